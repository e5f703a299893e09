//! Mass that is moved to the true class, all of it at one speed: what has far to go arrives late.

/// The probabilities of the classes, each with its distance to the true one.
#[derive(Clone, Copy, Debug)]
pub struct Haul<'a> {
    /// The mass of each class.
    pub p: &'a [f64],
    /// `D_ik`: how far each class is from the true class k.
    pub to_truth: &'a [f64],
    /// The true class.
    pub truth: usize,
}

impl Haul<'_> {
    /// How much of its way the mass of a class has done at a time from 0 to 1, when the last arrives: 0 to 1.
    pub fn progress(&self, class: usize, time: f64) -> f64 {
        let way = self.to_truth[class];
        if class == self.truth || way <= 0.0 {
            return f64::from(class == self.truth || time > 0.0);
        }
        let farthest = self.sources().map(|class| self.to_truth[class]).fold(0.0, f64::max);
        (time * farthest / way).min(1.0)
    }

    /// Mass times way so far. At the end it is the earth mover's distance, `sum over i of p_i D_ik` (equation 14).
    pub fn work(&self, time: f64) -> f64 {
        self.sources().map(|class| self.p[class] * self.to_truth[class] * self.progress(class, time)).sum()
    }

    /// How much mass lies at the true class when that of a class arrives: the nearest come first, of equally near ones the
    /// first class.
    pub fn below(&self, class: usize) -> f64 {
        let (own, way) = (self.p.get(self.truth).copied().unwrap_or(0.0), self.to_truth[class]);
        let earlier = |&other: &usize| (self.to_truth[other], other) < (way, class);
        own + self.sources().filter(earlier).map(|other| self.p[other]).sum::<f64>()
    }

    /// The classes with mass to be moved.
    pub fn sources(&self) -> impl Iterator<Item = usize> + '_ {
        let classes = 0..self.p.len().min(self.to_truth.len());
        classes.filter(|&class| class != self.truth && self.p[class] > 0.0)
    }
}

/// A distribution in which a class has this share, and the others the rest in the proportions that they had.
pub fn with_share(p: &[f64], class: usize, share: f64) -> Vec<f64> {
    let share = share.clamp(0.0, 1.0);
    let others: f64 = p.iter().enumerate().filter(|(other, _)| *other != class).map(|(_, p)| p).sum();
    let each = 1.0 / p.len().saturating_sub(1).max(1) as f64;
    let part = |p: f64| if others > 0.0 { p / others } else { each };
    p.iter().enumerate().map(|(other, &p)| if other == class { share } else { (1.0 - share) * part(p) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAUL: Haul<'_> = Haul { p: &[0.4, 0.3, 0.2, 0.0, 0.1], to_truth: &[0.5, 0.25, 0.0, 1.0, 0.25], truth: 2 };

    #[test]
    fn all_move_at_one_speed_and_the_farthest_with_mass_arrives_last() {
        let at = |time| [0, 1, 2, 4].map(|class| HAUL.progress(class, time));
        assert_eq!(at(0.0), [0.0, 0.0, 1.0, 0.0]);
        assert_eq!(at(0.25), [0.25, 0.5, 1.0, 0.5]);
        assert_eq!(at(0.5), [0.5, 1.0, 1.0, 1.0]);
        assert_eq!(at(1.0), [1.0; 4]);
    }

    #[test]
    fn the_work_ends_at_the_earth_movers_distance() {
        assert_eq!(HAUL.work(0.0), 0.0);
        let ends = 0.4 * 0.5 + 0.3 * 0.25 + 0.1 * 0.25;
        assert!((HAUL.work(1.0) - ends).abs() <= 1e-15);
        assert!(HAUL.work(0.3) < HAUL.work(0.6));
    }

    #[test]
    fn mass_is_heaped_as_it_arrives() {
        let below = [1, 4, 0].map(|class| HAUL.below(class));
        for (found, expected) in below.into_iter().zip([0.2, 0.5, 0.6]) {
            assert!((found - expected).abs() <= 1e-15, "{below:?}");
        }
    }

    #[test]
    fn what_costs_nothing_is_moved_at_once() {
        let free = Haul { p: &[0.5, 0.5], to_truth: &[0.0, 0.0], truth: 1 };
        assert_eq!([0.0, 0.01].map(|time| free.progress(0, time)), [0.0, 1.0]);
        assert_eq!(free.work(1.0), 0.0);
    }

    #[test]
    fn shares_add_up_to_one_whatever_is_dragged() {
        let close = |found: &[f64], expected: &[f64]| {
            let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= 1e-12);
            assert!(near && found.len() == expected.len(), "{found:?} is not {expected:?}");
        };
        close(&with_share(&[0.2, 0.6, 0.2], 0, 0.6), &[0.6, 0.3, 0.1]);
        close(&with_share(&[0.2, 0.6, 0.2], 1, 7.0), &[0.0, 1.0, 0.0]);
        close(&with_share(&[0.0, 1.0, 0.0], 1, 0.5), &[0.25, 0.5, 0.25]);
        close(&with_share(&[1.0], 0, 1.0), &[1.0]);
    }
}
