use super::ageing::{Cue, spread};
use super::drawing::Drawn;
use super::finish::{blur, shrink};
use super::paint::{hsv, ramp};
use super::*;

fn faces(train: usize, seed: u64) -> Dataset {
    let faces = Faces { train, test: 9, side: 24, seed };
    faces.dataset().unwrap()
}

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: u32 = a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
    f64::from(sum) / a.len() as f64
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let (first, again, other) = (faces(10, 1), faces(10, 1), faces(10, 2));
    assert_eq!(first.train.pixels, again.train.pixels);
    assert_eq!(first.train.values, again.train.values);
    assert_eq!(first.test.pixels, again.test.pixels);
    // Of equal ages, so that the people must differ.
    let pixels = |seed: u64, split: Split| {
        let faces = Faces { train: 4, test: 4, side: 24, seed };
        let mut drawn = Drawn::new(&faces, split, 4).unwrap();
        drawn.values.fill(30.0);
        while drawn.done < 4 {
            drawn.advance(&faces);
        }
        drawn.pixels
    };
    let train = pixels(1, Split::Train);
    assert!(mean_difference(&train, &pixels(2, Split::Train)) > 10.0);
    assert!(mean_difference(&train, &pixels(1, Split::Test)) > 10.0);
    let size = train.len() / 4;
    assert!(mean_difference(&train[..size], &train[size..2 * size]) > 10.0);
    assert_ne!(first.train.labels, other.train.labels);
}

/// A person whose cues all show the true age, and the noise over the picture.
fn exact(key: u64) -> (Person, Stream) {
    let key = [key, 0, 0];
    let mut person = Person::draw(&mut Stream::new(Purpose::Sitter, key));
    person.leads = [0.0; ageing::CUES];
    (person, Stream::new(Purpose::Noise, key))
}

/// Checksums of people of 1, 11, 29 and 78 years at four sides. Drawn elsewhere,
/// in a browser for one, they must come out the same; whoever changes how faces are drawn records
/// them anew. They do not depend on `AGE_SPREAD`.
const RECORDED: [u64; 4] = [0x7acf_37d5_a594_6799, 0x3174_4f59_c5ec_41e3, 0x0f11_5344_a7fa_5f53, 0x7271_c2d2_57a6_b697];

#[test]
fn portraits_are_the_ones_that_were_recorded() {
    let sums = [(1.5, 1, 32), (11.0, 2, 36), (29.0, 3, 64), (78.0, 4, 100)].map(|(age, key, side)| {
        let (person, mut noise) = exact(key);
        let ages = Ages::of(age, &person);
        checksum(&draw::draw(&person, &ages, side, &mut noise))
    });
    assert_eq!(sums, RECORDED, "{sums:#x?}");
}

#[test]
fn an_image_does_not_depend_on_how_many_there_are() {
    let (few, many) = (faces(5, 3), faces(19, 3));
    assert_eq!(few.train.pixels[..], many.train.pixels[..5]);
    assert_eq!(few.train.labels[..], many.train.labels[..5]);
    assert_eq!(few.train.values[..], many.train.values[..5]);
    assert_eq!(few.train.names[..], many.train.names[..5]);
}

#[test]
fn the_parts_of_a_data_set_have_their_sizes_and_names() {
    let set = faces(10, 4);
    assert_eq!(set.name, "faces");
    assert_eq!(set.classes.len(), 8);
    assert_eq!((&*set.classes[0], &*set.classes[7]), ("0-2", "60-"));
    for (images, count) in [(&set.train, 10), (&set.test, 9)] {
        assert_eq!(images.side, 24);
        assert!(images.pixels.len() == count && images.pixels.iter().all(|image| image.len() == 3 * 24 * 24));
        let lengths = [images.labels.len(), images.values.len(), images.names.len()];
        assert_eq!(lengths, [count; 3]);
    }
    assert_eq!(set.train.names[7], "faces/train/000007");
    assert_eq!(set.test.names[8], "faces/test/000008");
}

#[test]
fn labels_agree_with_ages_and_are_balanced_in_random_order() {
    let faces = Faces { train: 1, test: 1, side: 16, seed: 5 };
    let labels: Vec<u32> = (0..100).map(|i| faces.label(Split::Train, i)).collect();
    let mut counts = [0; 8];
    for (i, &label) in labels.iter().enumerate() {
        counts[label as usize] += 1;
        let age = faces.age(Split::Train, i, label);
        let (name, from, to) = GROUPS[label as usize];
        assert!(age >= from && age < to, "{age} is not in {name}");
        let others = GROUPS.iter().filter(|&&(_, low, high)| age >= low && age < high);
        assert_eq!(others.count(), 1);
    }
    assert!(counts.iter().all(|count| (12..=13).contains(count)), "{counts:?}");
    assert_ne!(labels[..8], labels[8..16]);
    assert!(labels.windows(2).any(|pair| pair[0] > pair[1]));
}

#[test]
fn ages_fill_their_group_evenly() {
    let ages: Vec<f64> = (0..400).map(|i| age_in(7, &mut Stream::new(Purpose::Age, [0, 0, i]))).collect();
    let mean = ages.iter().sum::<f64>() / 400.0;
    assert!((mean - 75.5).abs() < 1.5, "{mean}");
    assert!(ages.iter().any(|&age| age < 62.0) && ages.iter().any(|&age| age > 89.0));
}

#[test]
fn pictures_are_neither_dark_nor_burnt_nor_flat() {
    let set = faces(64, 6);
    for image in &set.train.pixels {
        let n = image.len() as f64;
        let mean = image.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let squares = image.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>();
        assert!((50.0..225.0).contains(&mean), "mean {mean}");
        assert!((squares / n).sqrt() > 15.0, "deviation {}", (squares / n).sqrt());
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_with_the_value_and_the_range() {
    let good = Faces { train: 1, test: 1, side: 16, seed: 0 };
    assert!(good.dataset().is_ok());
    let says = |faces: Faces, words: [&str; 3]| {
        let message = faces.dataset().err().map(|error| error.to_string()).unwrap();
        for word in words {
            assert!(message.contains(word), "{message:?} lacks {word}");
        }
    };
    says(Faces { side: 15, ..good }, ["15 pixels", "16", "256"]);
    says(Faces { side: 257, ..good }, ["257 pixels", "16", "256"]);
    says(Faces { train: 0, ..good }, ["train", "0 images", "1000000"]);
    says(Faces { test: 0, ..good }, ["test", "0 images", "1000000"]);
    let many = 1_000_001;
    says(Faces { test: many, ..good }, ["test", "1000001", "1000000"]);
}

/// Draws a few people at 24 pixels with one cue at `age` years and the others at 30.
fn with_cue(cue: Cue, age: f32) -> Vec<u8> {
    let people = (0..5).map(|key| {
        let (person, mut noise) = exact(key);
        let ages = Ages::of(30.0, &person).with(cue, age);
        draw::draw(&person, &ages, 24, &mut noise)
    });
    people.flatten().collect()
}

#[test]
fn every_cue_shows_in_its_range() {
    let ranges = [
        (Cue::Skull, 1.0, 18.0),
        (Cue::Eyes, 1.0, 18.0),
        (Cue::Features, 1.0, 18.0),
        (Cue::Features, 40.0, 85.0),
        (Cue::Jaw, 3.0, 20.0),
        (Cue::Body, 3.0, 20.0),
        (Cue::Locks, 1.0, 6.0),
        (Cue::Hairline, 30.0, 75.0),
        (Cue::Grey, 35.0, 70.0),
        (Cue::Wrinkles, 30.0, 70.0),
        (Cue::Sagging, 35.0, 75.0),
        (Cue::Skin, 3.0, 20.0),
        (Cue::Skin, 50.0, 85.0),
    ];
    for cue in Cue::ALL {
        assert!(ranges.iter().any(|range| range.0 == cue), "{cue:?} is not tested");
    }
    for (cue, young, old) in ranges {
        let change = mean_difference(&with_cue(cue, young), &with_cue(cue, old));
        assert!(change > 0.25, "{cue:?} from {young} to {old}: {change}");
    }
}

#[test]
fn cues_of_old_age_leave_children_alone() {
    for cue in [Cue::Hairline, Cue::Grey, Cue::Wrinkles, Cue::Sagging] {
        assert_eq!(with_cue(cue, 2.0), with_cue(cue, 14.0), "{cue:?}");
    }
}

#[test]
fn a_person_ages_gradually() {
    let life: Vec<Vec<u8>> = (0..45).map(|i| portrait(f64::from(2 * i), 12, 24)).collect();
    let steps = life.windows(2).map(|pair| mean_difference(&pair[0], &pair[1]));
    let most = steps.fold(0.0, f64::max);
    let life = mean_difference(&life[1], &life[42]);
    assert!(most < 0.5 * life, "{most} in two years, {life} in a life");
}

#[test]
fn the_picture_is_the_same_at_any_side() {
    let as_colours = |side: usize| -> Vec<[f32; 3]> {
        let planar = portrait(40.0, 8, side);
        let n = side * side;
        (0..n).map(|i| [i, n + i, 2 * n + i].map(|at| f32::from(planar[at]))).collect()
    };
    let (small, large) = (as_colours(32), shrink(&as_colours(128), 32, 4));
    let sum: f32 = small.iter().zip(&large).map(|(a, b)| (a[1] - b[1]).abs()).sum();
    assert!(sum / 1024.0 < 6.0, "{}", sum / 1024.0);
}

#[test]
fn portraits_have_the_size_asked_for_at_any_age() {
    for (age, side) in [(-3.0, 16), (0.0, 17), (130.0, 256), (f64::NAN, 20)] {
        assert_eq!(portrait(age, 9, side).len(), 3 * side * side);
    }
    assert!(portrait(30.0, 9, 0).is_empty());
    assert_eq!(portrait(-3.0, 9, 16), portrait(0.0, 9, 16));
}

#[test]
fn a_contact_sheet_has_a_row_for_each_group() {
    let (width, height, sheet) = contact_sheet(2, 16, 7);
    assert_eq!((width, height, sheet.len()), (32, 128, 3 * 32 * 128));
    let key = [7, 6, 1];
    let age = age_in(6, &mut Stream::new(Purpose::Age, key));
    let tile = picture(Purpose::Sheet, key, age, 16);
    for (y, x) in [(0, 0), (3, 9), (15, 15)] {
        let at = 3 * ((6 * 16 + y) * 32 + 16 + x);
        let planar = [0, 1, 2].map(|channel| tile[(channel * 16 + y) * 16 + x]);
        assert_eq!(sheet[at..at + 3], planar);
    }
}

#[test]
fn people_differ_from_their_age_by_the_spread() {
    assert_eq!(spread(40.0), AGE_SPREAD);
    assert_eq!(spread(80.0), AGE_SPREAD);
    assert!(spread(2.0) < 0.2 * AGE_SPREAD && spread(2.0) > 0.0);
    let people = 300;
    let leads: Vec<f32> =
        (0..people).flat_map(|key| Person::draw(&mut Stream::new(Purpose::Sitter, [key, 0, 0])).leads).collect();
    let n = leads.len() as f32;
    let mean = leads.iter().sum::<f32>() / n;
    let variance = leads.iter().map(|lead| (lead - mean).powi(2)).sum::<f32>() / n;
    // Cutting the normals at 2.5 takes five per cent of the variance.
    assert!(mean.abs() < 0.12, "{mean}");
    assert!((0.8..1.1).contains(&variance), "{variance}");
}

#[test]
fn a_cue_ahead_of_its_age_shows_an_older_face() {
    let paint = |lead: f32, age: f64| {
        let (mut person, mut noise) = exact(3);
        person.leads = [lead; ageing::CUES];
        draw::draw(&person, &Ages::of(age, &person), 32, &mut noise)
    };
    let (ahead, same) = (paint(2.0, 50.0), paint(0.0, 50.0));
    let older = paint(0.0, 50.0 + 2.0 * AGE_SPREAD);
    assert!(mean_difference(&ahead, &same) > 0.5);
    assert!(mean_difference(&ahead, &older) < 0.01);
}

#[test]
fn streams_are_even_and_apart() {
    let mut stream = Stream::new(Purpose::Person, [1, 2, 3]);
    let mean = (0..2000).map(|_| stream.unit()).sum::<f64>() / 2000.0;
    assert!((mean - 0.5).abs() < 0.03, "{mean}");
    let mut counts = [0; 3];
    for _ in 0..3000 {
        counts[stream.below(3)] += 1;
    }
    assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    let first = |purpose, key| Stream::new(purpose, key).bits();
    let one = first(Purpose::Person, [1, 2, 3]);
    assert_ne!(one, first(Purpose::Noise, [1, 2, 3]));
    assert_ne!(one, first(Purpose::Person, [2, 1, 3]));
    assert_ne!(one, first(Purpose::Person, [1, 2, 4]));
}

#[test]
fn blurring_keeps_the_light_and_spreads_it() {
    let mut picture = vec![[0.0; 3]; 21 * 21];
    picture[10 * 21 + 10] = [1.0, 0.5, 0.0];
    assert_eq!(blur(picture.clone(), 21, 0.1), picture);
    let soft = blur(picture, 21, 1.5);
    let total: f32 = soft.iter().map(|pixel| pixel[0]).sum();
    assert!((total - 1.0).abs() < 1e-5, "{total}");
    let (middle, right, below) = (soft[220][0], soft[221][0], soft[241][0]);
    // exp(-1 / (2 x 1.5 x 1.5))
    assert!((right / middle - 0.8007).abs() < 1e-3 && (right - below).abs() < 1e-6);
    assert!((soft[220][1] - 0.5 * middle).abs() < 1e-6 && soft[220][2] == 0.0);
}

#[test]
fn colours_and_ramps_are_what_they_are_called() {
    assert_eq!(hsv(0.0, 1.0, 1.0), [1.0, 0.0, 0.0]);
    assert_eq!(hsv(0.5, 0.0, 0.25), [0.25; 3]);
    let green = hsv(1.0 / 3.0, 1.0, 1.0);
    assert!(green[0] < 1e-5 && green[1] == 1.0 && green[2] < 1e-5, "{green:?}");
    assert_eq!([ramp(1.0, 2.0, 4.0), ramp(3.0, 2.0, 4.0), ramp(5.0, 2.0, 4.0)], [0.0, 0.5, 1.0]);
}
