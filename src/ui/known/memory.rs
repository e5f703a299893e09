//! How much of what was told is kept: a window that is open all day shall not fill the memory.

use crate::train::EpochResult;
use crate::worker::message::Picture;
use std::collections::{BTreeMap, HashMap};

/// Most bytes of predictions and matrices of all epochs.
pub const MOST_RESULTS: usize = 512 << 20;
/// Most bytes of test images.
pub const MOST_IMAGES: usize = 64 << 20;
/// Most pixels across and down of a test image that is kept: none is shown larger.
const MOST_SIDE: usize = 128;

/// Bytes of a result's predictions, and of its matrices.
fn bytes(result: &EpochResult) -> [usize; 2] {
    let matrices = [result.distances.len(), result.ground.len(), result.evaluation.confusion.counts().len()];
    [4 * result.outcomes.len() + 8 * result.scores.len(), 8 * matrices.iter().sum::<usize>()]
}

/// Drops the oldest epochs' predictions where all together are larger than that, then the oldest epochs, but never the newest one;
/// tells how many epochs were dropped.
pub fn make_room(epochs: &mut BTreeMap<usize, Vec<EpochResult>>, most: usize) -> usize {
    let mut all: usize = epochs.values().flatten().flat_map(bytes).sum();
    let newest = epochs.keys().next_back().copied();
    for (_, results) in epochs.iter_mut().filter(|(epoch, _)| Some(**epoch) != newest) {
        for result in results.iter_mut().filter(|result| !result.outcomes.is_empty()) {
            if all <= most {
                return 0;
            }
            all -= bytes(result)[0];
            (result.outcomes, result.scores) = (Vec::new(), Vec::new());
        }
    }
    let mut dropped = 0;
    while all > most && epochs.len() > 1 {
        let Some((_, results)) = epochs.pop_first() else { break };
        all -= results.iter().flat_map(bytes).sum::<usize>();
        dropped += 1;
    }
    dropped
}

/// Takes test images in; where all together are larger than they may be, those that came before go: they can be asked for again.
pub fn keep_images(images: &mut HashMap<usize, Picture>, new: Vec<Picture>) {
    let new: Vec<Picture> = new.into_iter().map(reduced).collect();
    let all: usize = images.values().chain(&new).map(|picture| picture.planes.len()).sum();
    if all > MOST_IMAGES {
        images.clear();
    }
    images.extend(new.into_iter().map(|picture| (picture.index, picture)));
}

/// A picture no larger than it is shown: each pixel is the mean of a square of so many.
fn reduced(picture: Picture) -> Picture {
    let Picture { index, side, ref planes } = picture;
    let by = side.div_ceil(MOST_SIDE).max(1);
    if by == 1 || planes.len() != 3 * side * side {
        return picture;
    }
    let small = side / by;
    let mean = |at: usize| {
        let (plane, row, column) = (at / (small * small), at / small % small * by, at % small * by);
        let line = |row: usize| &planes[(plane * side + row) * side + column..][..by];
        let sum: usize = (row..row + by).flat_map(line).map(|&byte| usize::from(byte)).sum();
        (sum / (by * by)) as u8
    };
    Picture { index, side: small, planes: (0..3 * small * small).map(mean).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture::known;

    #[test]
    fn old_epochs_lose_their_predictions_then_all_but_the_newest() {
        // Three racers; each result has 96 predictions of eight classes in f32 and as many scores, and three matrices.
        let [outcomes, matrices] = [96 * (8 * 4 + 8), 3 * 64 * 8];
        let mut epochs = known(3).epochs;
        let whole = 9 * (outcomes + matrices);
        assert_eq!(
            (make_room(&mut epochs, whole), epochs.values().flatten().flat_map(bytes).sum::<usize>()),
            (0, whole)
        );
        assert_eq!(make_room(&mut epochs, whole - 1), 0);
        let with = |epochs: &BTreeMap<usize, Vec<EpochResult>>| -> Vec<usize> {
            epochs.values().map(|all| all.iter().filter(|result| !result.outcomes.is_empty()).count()).collect()
        };
        assert_eq!(with(&epochs), [2, 3, 3]);
        assert_eq!(make_room(&mut epochs, 3 * (outcomes + matrices) + 6 * matrices), 0);
        assert_eq!(with(&epochs), [0, 0, 3]);
        assert_eq!(make_room(&mut epochs, 3 * (outcomes + matrices) + 3 * matrices), 1);
        assert_eq!(epochs.keys().copied().collect::<Vec<_>>(), [2, 3]);
        assert_eq!((make_room(&mut epochs, 0), with(&epochs)), (1, vec![3]), "the newest stays whole");
    }

    #[test]
    fn large_images_are_reduced_and_old_ones_go() {
        let picture = |index, side: usize, byte: u8| Picture { index, side, planes: vec![byte; 3 * side * side] };
        let mut half = picture(1, 300, 10);
        half.planes[..300 * 300].fill(40);
        let small = reduced(half);
        assert_eq!((small.side, small.planes.len(), small.planes[0], small.planes[9_999]), (100, 30_000, 40, 40));
        assert_eq!(small.planes[10_000..], [10; 20_000]);
        assert_eq!(reduced(picture(0, 128, 3)), picture(0, 128, 3));
        let mut images = HashMap::new();
        let each = 3 * 128 * 128;
        let most = MOST_IMAGES / each;
        keep_images(&mut images, (0..most).map(|index| picture(index, 128, 1)).collect());
        assert_eq!(images.len(), most);
        keep_images(&mut images, vec![picture(most, 128, 1)]);
        assert_eq!(images.len(), 1);
    }
}
