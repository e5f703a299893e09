use super::*;

const CLASSES: usize = 5;

/// An epoch of two racers; what its matrices hold depends on the epoch.
fn epoch(epoch: usize) -> Vec<EpochResult> {
    ["xe", "xemd2"].into_iter().enumerate().map(|(racer, loss)| result(epoch, racer, loss)).collect()
}

fn result(epoch: usize, racer: usize, loss: &str) -> EpochResult {
    // Every number is one of 32 bits, and no two epochs compress alike.
    let noise = |at: usize| ((at * 7919 + epoch * 104_729 + racer * 31) % 1009) as f32 / 1009.0;
    let symmetric = |at: usize| f64::from(noise(at.min(at % CLASSES * CLASSES + at / CLASSES)));
    let counts = (0..CLASSES * CLASSES).map(|at| ((at * 31 + epoch + racer) % 7) as u64).collect();
    let row = EpochRow {
        epoch,
        loss: loss.to_owned(),
        aem: 25.0,
        aeo: 50.0,
        mae: 1.25,
        qwk: Some(0.5),
        top5_error: Some(12.5),
        ..EpochRow::default()
    };
    EpochResult {
        evaluation: Evaluation {
            confusion: Confusion::from_counts(CLASSES, counts).unwrap(),
            aem: 0.25,
            aeo: 0.5,
            mae: 1.25,
            qwk: Some(0.5),
            amae: 0.0,
            rps: None,
            ece: None,
            top5_error: Some(0.125),
            spearman: None,
        },
        row,
        outcomes: Vec::new(),
        scores: Vec::new(),
        // Raw distances that are not quite symmetric are kept as they are.
        distances: (0..CLASSES * CLASSES).map(|at| f64::from(noise(at))).collect(),
        ground: (0..CLASSES * CLASSES).map(symmetric).collect(),
        absent: Vec::new(),
    }
}

fn history(epochs: usize) -> Vec<EpochRow> {
    (1..=epochs).flat_map(epoch).map(|result| result.row).collect()
}

fn numbers(epochs: &Epochs) -> Vec<usize> {
    epochs.numbers().collect()
}

#[test]
fn matrices_come_back_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = RunFolder { path: folder.path().to_owned() };
    let mut epochs = folder.read_epochs(CLASSES).unwrap();
    assert_eq!(epochs, Epochs::new(CLASSES), "a run without the file");
    assert!(epochs.keep(&epoch(1)) && epochs.keep(&epoch(2)));
    assert!(!epochs.keep(&epoch(2)) && !epochs.keep(&[]), "nothing new");
    folder.write_epochs(&epochs).unwrap();
    let read = folder.read_epochs(CLASSES).unwrap();
    assert_eq!(read, epochs);
    for number in [1, 2] {
        assert_eq!(read.results(number, &history(2)).unwrap(), epoch(number));
    }
    assert_eq!(read.results(3, &history(3)).unwrap(), []);
    let (symmetric, whole) = (&epoch(1)[0].ground, &epoch(1)[0].distances);
    let size = |matrix: &[f64]| {
        let mut bytes = Vec::new();
        put_matrix(&mut bytes, &words(matrix, |value| (value as f32).to_bits()));
        bytes.len()
    };
    assert_eq!([size(symmetric), size(whole)], [1 + 4 * 15, 1 + 4 * 25]);
}

/// However many epochs there are, the file stays as small as it may be; the first epoch and equally many between stay.
#[test]
fn of_more_epochs_than_there_is_room_for_every_few_are_kept() {
    let mut epochs = Epochs::new(CLASSES);
    epochs.keep(&epoch(1));
    let most = 6 * (epochs.len() - 24) + 24;
    let mut kept = Vec::new();
    for number in 2..=40 {
        epochs.keep_within(most, &epoch(number));
        assert!(epochs.len() <= most && epochs.len() == epochs.to_bytes().len(), "{} bytes", epochs.len());
        kept.push(numbers(&epochs));
    }
    assert_eq!(kept[3], [1, 2, 3, 4, 5]);
    assert_eq!(kept.last().unwrap(), &[1, 9, 17, 25, 33]);
    assert_eq!(epochs.results(33, &history(40)).unwrap(), epoch(33));
    // Of one that is too large for the file nothing is kept.
    let mut none = Epochs::new(CLASSES);
    for number in 1..=3 {
        none.keep_within(100, &epoch(number));
        assert_eq!(numbers(&none), [0; 0]);
    }
}

/// A run that is killed after it has kept an epoch and before its checkpoint trains that epoch again.
#[test]
fn what_is_kept_depends_on_the_epochs_alone() {
    let most = 2000;
    let whole = |to: usize| {
        let mut epochs = Epochs::new(CLASSES);
        for number in 1..=to {
            epochs.keep_within(most, &epoch(number));
        }
        epochs
    };
    for killed in 1..20 {
        let mut resumed = Epochs::from_bytes(&whole(killed).to_bytes()).unwrap();
        resumed.forget_after(killed - 1);
        assert!(numbers(&resumed).iter().all(|&number| number < killed));
        for number in killed..=20 {
            resumed.keep_within(most, &epoch(number));
        }
        assert!(resumed.to_bytes() == whole(20).to_bytes(), "killed after {killed}");
    }
    assert!(numbers(&whole(20)).len() < 20, "some were dropped");
}

#[test]
fn a_damaged_file_is_an_error_that_names_it_and_never_a_panic() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder { path: place.path().to_owned() };
    let mut epochs = Epochs::new(CLASSES);
    for number in 1..=3 {
        epochs.keep(&epoch(number));
    }
    let bytes = epochs.to_bytes();
    let rows = history(3);
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        for damaged in [&changed[..], &bytes[..at]] {
            std::fs::write(folder.epochs(), damaged).unwrap();
            match folder.read_epochs(CLASSES) {
                Ok(read) => refused += usize::from(read.numbers().any(|number| read.results(number, &rows).is_err())),
                Err(error) => {
                    assert!(
                        error.to_string().contains("epochs.bin") && error.to_string().contains("remove"),
                        "{error}"
                    );
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > bytes.len(), "{refused} of {} changes were seen", 2 * bytes.len());
    std::fs::write(folder.epochs(), &bytes).unwrap();
    assert!(folder.read_epochs(CLASSES + 1).is_err(), "another run's");
    let another = EpochRow { loss: "emd".to_owned(), ..history(1)[0].clone() };
    assert!(epochs.results(1, &[another]).is_err_and(|why| why.contains("epoch 1")), "another racer's");
    assert!(epochs.results(1, &history(1)[..1]).is_ok_and(|results| results.len() == 1));
}
