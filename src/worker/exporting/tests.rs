use super::super::tests::{Desk, order, results, settings, troubles};
use super::super::{Command, Message};
use super::*;
use crate::nn::Loss;
use crate::report::{Chart, EpochRow};
use crate::train::metrics::Confusion;
use crate::train::run::read_weights;

fn written(what: &Exported, name: &str) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().unwrap();
    let export = Export { what: what.clone(), to: folder.path().join(name) };
    let to = write(&export, None).map_err(|error| error.to_string())?;
    Ok(std::fs::read(to).unwrap())
}

/// Whether a pixel of a PNG has this colour.
fn has_color(png: &[u8], color: [u8; 3]) -> bool {
    image::load_from_memory(png).unwrap().to_rgb8().pixels().any(|pixel| pixel.0 == color)
}

#[test]
fn every_figure_is_written_as_png_and_svg() {
    let classes = vec!["a".to_owned(), "b".to_owned()];
    let (matrix, title) = (vec![0.0, -0.5, 0.5, 0.0], "figure".to_owned());
    let chart = Chart { title: title.clone(), percent: true, lines: vec![("emd".to_owned(), vec![[1.0, 30.0]])] };
    let figures = [
        Exported::Curves(vec![EpochRow { epoch: 1, loss: "emd".to_owned(), ..EpochRow::default() }]),
        Exported::Charts(vec![chart]),
        Exported::Matrix { classes: classes.clone(), matrix: matrix.clone(), title: title.clone() },
        Exported::Difference { classes: classes.clone(), matrix: matrix.clone(), title: title.clone() },
        Exported::Confusion { classes, confusion: Confusion::new(2), title },
    ];
    for figure in &figures {
        assert!(written(figure, "figure.png").unwrap().starts_with(b"\x89PNG"), "{figure:?}");
        assert!(written(figure, "figure.svg").unwrap().starts_with(b"<svg"), "{figure:?}");
        assert!(written(figure, "figure.doc").unwrap_err().contains(".svg"), "{figure:?}");
        let table = written(figure, "figure.csv");
        assert_eq!(table.is_err(), matches!(figure, Exported::Charts(_)), "{table:?}");
    }
    // A difference is blue below zero and red above, a matrix neither.
    let [matrix, difference] = [2, 3].map(|at: usize| written(&figures[at], "figure.png").unwrap());
    for color in [[0x21, 0x66, 0xAC], [0xB2, 0x18, 0x2B]] {
        assert!(has_color(&difference, color) && !has_color(&matrix, color), "{color:?}");
    }
}

#[test]
fn pictures_and_drawings_have_their_own_endings() {
    let picture = Exported::Picture { width: 2, rgb: vec![7; 12] };
    assert!(written(&picture, "view.png").unwrap().starts_with(b"\x89PNG"));
    assert!(written(&picture, "view.svg").unwrap_err().contains(".png"));
    let drawing = Exported::Drawing("<svg/>".to_owned());
    assert_eq!(written(&drawing, "view.SVG").unwrap(), b"<svg/>");
    assert!(written(&drawing, "view.png").unwrap_err().contains(".svg"));
}

#[test]
fn figures_numbers_and_images_come_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::new();
    let told = desk.take(order(&folder.path().join("run"), settings()));
    let rows: Vec<_> = results(&told).iter().map(|result| result.row.clone()).collect();
    for (name, begins) in [("curves.png", &b"\x89PNG"[..]), ("curves.svg", b"<svg"), ("metrics.csv", b"epoch,loss,")] {
        let to = folder.path().join(name);
        let told =
            desk.take(Command::Export(Box::new(Export { what: Exported::Curves(rows.clone()), to: to.clone() })));
        assert!(matches!(&told[..], [Message::Written(path)] if *path == to), "{told:?}");
        assert!(std::fs::read(&to).unwrap().starts_with(begins), "{name}");
    }
    let to = folder.path().join("weights");
    let weights = Export { what: Exported::Weights(Loss::Xe), to: to.clone() };
    desk.take(Command::Export(Box::new(weights)));
    assert!(read_weights(&to).is_ok());
    let odd = Export { what: Exported::Curves(rows), to: folder.path().join("curves.doc") };
    assert!(troubles(&desk.take(Command::Export(Box::new(odd))))[0].contains(".svg"));
    let told = desk.take(Command::Images(vec![3, 99]));
    let Some(Message::Images(pictures)) = told.first() else { panic!("{told:?}") };
    assert_eq!((pictures.len(), pictures[0].index, pictures[0].planes.len()), (1, 3, 3 * 18 * 18));
}
