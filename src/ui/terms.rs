//! Every term's tooltip: its formula, and the number of its equation in the paper.

use crate::plan::AdapterKind;
use crate::worker::message::Lack;

/// A kind of device, and what that means.
pub fn of_device(kind: AdapterKind) -> (&'static str, &'static str) {
    match kind {
        AdapterKind::Gpu => ("GPU", "A graphics card or chip trains."),
        AdapterKind::Processor => ("processor", "The processor trains, without a graphics driver."),
        AdapterKind::Software => (
            "software driver",
            "A graphics driver that computes on the processor trains, more slowly than the processor itself would: choose \
             the device \"cpu\" for that.",
        ),
    }
}

/// What a browser lacks to train on a GPU, which browser or setting helps, and what trains meanwhile.
pub fn of_lack(lack: &Lack) -> String {
    let (what, helps) = match lack {
        Lack::Secure => (
            "A browser gives WebGPU only to pages that were loaded by https or from localhost.".to_owned(),
            "Load this one so.",
        ),
        Lack::WebGpu => (
            "This browser has no WebGPU.".to_owned(),
            "Chrome and Edge have it from version 113 (Android: 121), Safari from 26, Firefox from 141 on Windows; in Firefox \
             elsewhere, dom.webgpu.enabled in about:config may turn it on.",
        ),
        Lack::Adapter => (
            "This browser has WebGPU, but offers it no GPU.".to_owned(),
            "See that graphics acceleration is on in its settings; in Chrome, chrome://gpu says what is blocked, and \
             chrome://flags/#enable-unsafe-webgpu may unblock it (on Linux together with chrome://flags/#enable-vulkan).",
        ),
        Lack::Gpu(driver) => (
            format!("All that this browser offers for a GPU is {driver}, a driver that computes on the processor."),
            "See that graphics acceleration is on in its settings; in Chrome, chrome://gpu says what is blocked.",
        ),
    };
    format!("{what} {helps} Meanwhile the processor trains: the same networks, only more slowly.")
}

/// Terms, and what they mean.
const TERMS: [(&str, &str); 56] = [
    ("AEM", "Accuracy of exact match: percent of the test images whose most probable class is the true one."),
    ("AEO", "Accuracy of exact match or one category off: percent of the test images with |predicted - true| <= 1."),
    ("MAE", "Mean absolute error in classes: mean of |predicted - true|."),
    (
        "Spearman",
        "Spearman's rank correlation between the expected class value, sum of p_i times the value of class i, and the real label.",
    ),
    (
        "QWK",
        "Quadratic weighted kappa: 1 - sum of w_ij O_ij / sum of w_ij E_ij with w_ij = (i - j)^2, where O counts true and predicted \
         classes and E is what they would be by chance. 1 is perfect, 0 chance.",
    ),
    ("AMAE", "Mean absolute error in classes, averaged over the classes: a rare class counts as much as a common one."),
    (
        "RPS",
        "Ranked probability score: mean squared earth mover's distance of the predicted distributions (equation 10).",
    ),
    (
        "ECE",
        "Expected calibration error: how far the probability of the predicted class is from how often it is right, 0 to 1.",
    ),
    (
        "training AEM",
        "Exact matches among the epoch's training images, augmented, each as it was when its batch was taken.",
    ),
    ("top-5 error", "Percent of the test images whose true class is not among the five most probable."),
    (
        "SDD",
        "Standard deviation of all entries of the matrix of raw distances (section 4.7): near 0 where features have collapsed.",
    ),
    (
        "smoothing",
        "Share a of what came before that each point keeps: s_n = a s_(n-1) + (1 - a) y_n, divided by 1 - a^n, so that the first \
         points are not drawn towards zero. 0 shows what was measured.",
    ),
    (
        "band over seeds",
        "Mean and standard deviation over the runs of this sitting that differ from the present one in their seed alone, the present \
         one among them: in each epoch over those runs that have come to it.",
    ),
    (
        "paper's levels",
        "Accuracies of table 1, dashed. They are of another data set (Adience, photographs in eight age groups) and other networks: \
         compare the order of the losses, not the numbers.",
    ),
    (
        "layout",
        "Classical multidimensional scaling: places whose distances come as near to those of the matrix as one or two coordinates can. \
         They are eigenvectors of -1/2 J S J times the roots of their eigenvalues, with S the squared distances and J = I - 1/C. \
         The share is that of the eigenvalues shown in the sum of the absolute values of all.",
    ),
    ("loss", "Mean training loss of the epoch. Losses of different kinds cannot be compared."),
    (
        "D",
        "Ground distance: D = (R + R^T) / 2 with rows' diagonals 0 (equation 13). R_ij counts the distances in row i smaller \
         than the one to j, divided by the number of classes (equation 12).",
    ),
    ("distances", "Euclidean distances between the classes' mean L1-normalised features of the epoch (equation 2)."),
    ("ranks", "Ranks by row: how many classes are nearer, divided by the number of classes (equation 12)."),
    ("difference", "D minus that of ordered classes, |i - j| / (C - 1)."),
    (
        "tau",
        "Kendall's tau between the order found again from the distances alone (seriation) and the true order, in either direction: 1 is \
         the same order, and eight classes in any order score 0.2 on the average.",
    ),
    ("learning rate", "Step size of stochastic gradient descent."),
    ("momentum", "Share of the last step that is kept in the next."),
    (
        "lambda",
        "Weight of the distance term beside cross-entropy: E = E_xe + lambda * sum over i of p_i^2 (D_i,k^omega + mu) (equations 15 and 16). \
         Automatic: after the jump start, such that the term is 3.5 times smaller than cross-entropy.",
    ),
    ("omega", "Power of the ground distance in equation 16: 1 for xemd1, 2 for xemd2."),
    (
        "mu",
        "Bias of the ground distance in equation 16: -0.5 for xemd1, -0.25 for xemd2, so that the term is zero at D = 0.5 and \
         rewards classes nearer than that.",
    ),
    ("xe", "Cross-entropy: -log p_k of the true class k (section 2.1). It does not know how far classes are apart."),
    (
        "emd",
        "Squared earth mover's distance of ordered classes: the sum over i of (CDF_i(p) - CDF_i(t))^2 (equation 10).",
    ),
    ("xemd1", "Cross-entropy with the self-guided distance term of equation 16, its ground distance learned."),
    ("xemd2", "Cross-entropy with the self-guided distance term of equation 16, its ground distance learned."),
    (
        "emd-linear",
        "Linear earth mover's distance: the sum over i of p_i D_ik (equation 14). Trained with alone it collapses (section 3.2).",
    ),
    (
        "a-emd",
        "Transport to the label with an entropy term (Frogner et al.): the sum over i of p_i D_ik + r p_i log p_i, with r the regulariser.",
    ),
    ("sord", "Cross-entropy against soft labels, exp(-|i - k|) made to add up to 1 (Diaz and Marathe)."),
    ("binomial", "Cross-entropy against binomial distributions with a single peak near the label (Liu et al.)."),
    ("corn", "Conditional probabilities of a class above each (Shi, Cao and Raschka)."),
    ("qwk", "One minus the quadratic weighted kappa of a batch (de la Torre, Puig and Valls)."),
    ("reg", "Regression: one output learns the squared error to the real label (section 4.3)."),
    (
        "earth mover",
        "All mass has to go to the true class k, so the flow from class i is F_ik = p_i, and the earth mover's distance is the sum \
         over i of p_i D_ik (equation 14).",
    ),
    (
        "figure 1",
        "Two predictions that give the true class the same probability: cross-entropy cannot tell them apart, though one of them has its \
         mass nearer to the truth. The numbers are ours: the paper draws its figure 1 without any.",
    ),
    (
        "gradient",
        "How much the loss rises with a logit z_j: p_j (g_j - sum over l of p_l g_l), with g the slopes of the loss by p (equations 1, 11 \
         and 15). A step of gradient descent lowers logits with a positive one. Each strip has a scale of its own.",
    ),
    ("jump start", "Epochs of cross-entropy alone before the distance term begins."),
    (
        "shuffled ids",
        "Gives the classes shuffled numbers, so that their order is hidden from the network: emd, which relies on it, breaks; \
         the self-guided losses find it again. Everything shown keeps the true order.",
    ),
    (
        "held cell",
        "A cell of D that is held is trained with as it is, there and back, whatever the network learns; a free one is what was \
         learned in the epoch before (equation 13).",
    ),
    ("confusion", "How many test images of each true class (row) were taken for each class (column)."),
    (
        "row percent",
        "Of a hundred test images of the true class, how many were taken for each class: the diagonal is the class's recall.",
    ),
    (
        "most distant",
        "By |predicted - true| in classes, then by how far the predicted probabilities lie from the true class k: sum over i of \
         p_i |i - k| (equation 14 with the distances of section 2.2.2).",
    ),
    ("kernel", "A small program that does one kind of step of a network, forward or backward, on the device."),
    (
        "f64 reference",
        "The same operations as plain loops in 64 bits, written from the mathematics: what every kernel is held against.",
    ),
    (
        "agreement",
        "The largest difference between what a kernel wrote and what the reference wants, divided by the largest number wanted; \
         of the case that came closest to its tolerance. Whole tensors are compared, whole numbers exactly.",
    ),
    ("GFLOP/s", "Thousand million floating-point operations a second, counted by shape: a multiply-add is two."),
    (
        "memory of the plan",
        "What a training step of all losses takes on the device: images, weights, gradients, activations and scratch. \
         Activations that do not live at the same time share memory.",
    ),
    ("parameters", "Numbers that training changes: weights and biases of one network."),
    (
        "filters",
        "Weights of the first convolution, a tile a filter: how much of red, green and blue it asks for at each place; grey is 0.",
    ),
    (
        "activations",
        "What a layer hands on for this image, a tile a channel; of a fully connected layer a tile an output.",
    ),
    (
        "layer",
        "The layer whose outputs are shown; numbered as in the weights file. ReLU comes after the pooling that follows it.",
    ),
    (
        "input gradient",
        "The derivative of this image's loss with respect to each of its pixels, the sum over the three colours: what would have \
         to change for the loss to fall.",
    ),
];

/// What a term means; nothing of one that needs no words.
pub fn of(term: &str) -> &'static str {
    TERMS.iter().find(|(name, _)| *name == term).map_or("", |(_, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Loss;
    use crate::ui::metric::Metric;

    /// The terms that a file asks for by name.
    fn asked_for(text: &str) -> Vec<&str> {
        text.split("terms::of(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn every_term_that_is_asked_for_has_words() {
        let panels = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui");
        let mut folders = vec![panels];
        let mut found = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for term in asked_for(&text) {
                    assert!(!of(term).is_empty(), "{term} in {}", path.display());
                    found += 1;
                }
            }
        }
        assert!(found > 20, "{found}");
        for term in Loss::ALL.map(Loss::name).into_iter().chain(Metric::ALL.map(Metric::term)) {
            assert!(!of(term).is_empty(), "{term}");
        }
    }

    #[test]
    fn no_term_stands_twice() {
        let names: std::collections::BTreeSet<_> = TERMS.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), TERMS.len());
    }
}
