//! `backhoe devices`, `backhoe check`, `backhoe data`.

use super::args::{CheckArguments, DataArguments};
use super::{CliError, open, say};
use backhoe::cpu::Cpu;
use backhoe::data::source::Source;
use backhoe::data::{Dataset, Images};
use backhoe::plan::Executor;
use backhoe::{check, gpu};
use image::{ImageFormat, Rgb, RgbImage};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// Lists the processor, and the graphics adapters with what they offer.
pub fn devices() -> Result<(), CliError> {
    say(false, format_args!("cpu: {}", Cpu::open(None).adapter()))?;
    let found = gpu::list();
    if found.is_empty() {
        say(false, "no graphics adapter was found; none is needed")?;
    }
    for (index, found) in found.iter().enumerate() {
        let limits = found.handle.limits();
        say(false, format_args!("{index}: {}", found.adapter))?;
        say(
            false,
            format_args!(
                "   binds {} MiB, {} storage buffers a stage, {} invocations and {} KiB a workgroup",
                limits.max_storage_buffer_binding_size >> 20,
                limits.max_storage_buffers_per_shader_stage,
                limits.max_compute_invocations_per_workgroup,
                limits.max_compute_workgroup_storage_size >> 10
            ),
        )?;
        let features: Vec<&str> = found.handle.features().iter_names().map(|(name, _)| name).collect();
        say(false, format_args!("   features (none is needed): {}", features.join(", ").to_lowercase()))?;
    }
    Ok(())
}

/// Holds every kernel of an adapter against the reference.
pub fn check(arguments: &CheckArguments) -> Result<(), CliError> {
    let mut executor = open(&arguments.device, arguments.json)?;
    let rows = check::check(&mut *executor, &mut |row| {
        if !arguments.json {
            super::warn(format_args!("{}: {} cases", row.kernel, row.cases));
        }
    })?;
    let failures: Vec<&String> = rows.iter().flat_map(|row| &row.failures).collect();
    if arguments.json {
        say(false, serde_json::json!(rows))?;
    } else {
        say(false, check::table(&rows))?;
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(CliError::Words(format!("{} cases failed on this adapter; the first: {}", failures.len(), failures[0])))
}

/// Describes a data set, and draws its contact sheet where one is asked for.
pub fn data(arguments: &DataArguments) -> Result<(), CliError> {
    let source = match arguments.data.as_str() {
        "faces" => Source::Faces { train: 8 * arguments.columns.max(1), test: 8 },
        "digits" => Source::Digits { test_fraction: 0.2 },
        folder => Source::Folder { path: PathBuf::from(folder), test_fraction: 0.2, strict: false },
    };
    let (data, skipped) = source.load(arguments.size, u64::from(arguments.seed), &|_, _| ())?;
    for file in &skipped {
        super::warn(format_args!("passed over: {file}"));
    }
    say(false, format_args!("{}: {} training and {} test images", data.name, data.train.len(), data.test.len()))?;
    for (class, name) in data.classes.iter().enumerate() {
        let count = |images: &Images| images.labels.iter().filter(|&&label| label as usize == class).count();
        say(false, format_args!("  {name}: {} and {}", count(&data.train), count(&data.test)))?;
    }
    match &arguments.sheet {
        Some(path) => write_sheet(&data, arguments.columns, path),
        None => Ok(()),
    }
}

/// Most pixels of a contact sheet: 192 MiB.
const MOST_PIXELS: usize = 64 << 20;

/// A row of training images a class, as many columns as there are images for.
fn write_sheet(data: &Dataset, columns: usize, path: &Path) -> Result<(), CliError> {
    let (side, rows) = (data.train.side, data.classes.len());
    let fullest = data.train.class_counts(rows).into_iter().max().unwrap_or(0);
    let columns = columns.clamp(1, fullest.max(1));
    if rows * columns * side * side > MOST_PIXELS {
        let [width, height] = [columns * side, rows * side];
        return Err(CliError::Words(format!(
            "a sheet of {width} x {height} pixels is too large: choose fewer --columns or a smaller --size"
        )));
    }
    let mut sheet = RgbImage::from_pixel((columns * side) as u32, (rows * side) as u32, Rgb([255; 3]));
    for class in 0..rows {
        let of_class = (0..data.train.len()).filter(|&index| data.train.labels[index] as usize == class);
        for (column, index) in of_class.take(columns).enumerate() {
            let pixels = data.train.image(index);
            for place in 0..side * side {
                let colour = Rgb([0, 1, 2].map(|channel| pixels[channel * side * side + place]));
                let (x, y) = (column * side + place % side, class * side + place / side);
                sheet.put_pixel(x as u32, y as u32, colour);
            }
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    sheet.write_to(&mut bytes, ImageFormat::Png).map_err(|error| CliError::Words(error.to_string()))?;
    backhoe::train::run::write_whole(path, bytes.get_ref())?;
    say(false, format_args!("written: {}", path.display()))
}
