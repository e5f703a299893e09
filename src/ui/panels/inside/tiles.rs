//! Maps as tiles of one texture, laid out in rows that wrap.

use crate::train::Maps;
use crate::ui::theme;
use eframe::egui::{
    Color32, ColorImage, Context, Pos2, Rect, Role, Sense, TextureHandle, TextureOptions, Ui, Vec2, WidgetInfo, pos2,
};

/// Most tiles that are shown.
const MOST_TILES: usize = 256;
/// Most pixels of a tile's side; larger maps are thinned out.
const MOST_SIDE: usize = 128;
/// Least width and height of a tile, in points: small maps are magnified.
const LEAST: f32 = 36.0;
/// Largest width and height of a tile, in points.
const LARGEST: f32 = 96.0;
/// Points between tiles.
const GAP: f32 = 3.0;

/// Maps as tiles.
pub struct Tiles {
    texture: Option<TextureHandle>,
    /// Tiles, of so many maps.
    count: usize,
    of: usize,
    /// Tiles in a row of the texture.
    columns: usize,
    /// Pixels of a tile, down and across.
    pixels: [usize; 2],
    /// Rows and columns of a map.
    size: [usize; 2],
    /// Least and largest number of each map.
    ranges: Vec<(f32, f32)>,
}

impl Tiles {
    /// Tiles of maps, a place of a map coloured by what its channels have there.
    pub fn new(ctx: &Context, name: &str, maps: &Maps, color: &dyn Fn(&[f32]) -> Color32) -> Self {
        let shown = Maps { count: maps.count.min(MOST_TILES), ..maps.clone() };
        let columns = (shown.count as f64).sqrt().ceil() as usize;
        let every = [shown.height, shown.width].map(|side| side.div_ceil(MOST_SIDE).max(1));
        let pixels = [shown.height / every[0].max(1), shown.width / every[1].max(1)];
        let there = shown.count > 0 && maps.values.len() >= maps.count * maps.channels * maps.height * maps.width;
        let image = there.then(|| atlas(&shown, columns, pixels, every, color));
        let len = maps.channels * maps.height * maps.width;
        Self {
            texture: image.map(|image| ctx.load_texture(name, image, TextureOptions::NEAREST)),
            count: shown.count,
            of: maps.count,
            columns,
            pixels,
            size: [maps.height, maps.width],
            ranges: maps.values.chunks(len.max(1)).take(shown.count).map(numbers).collect(),
        }
    }

    /// Draws them as wide as there is room; what they are is said to those who cannot see them.
    pub fn show(&self, ui: &mut Ui, label: &str) {
        let Some(texture) = &self.texture else { return };
        let places = Places::new(ui.available_width(), self.count, self.size);
        let (whole, response) = ui.allocate_exact_size(places.size(), Sense::hover());
        let [height, width] = self.size;
        let words = format!("{label}: {} maps of {width} by {height}", self.of);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
        for tile in 0..self.count {
            ui.painter().image(texture.id(), places.of(whole.min, tile), self.part(tile), Color32::WHITE);
        }
        let tile = response.hover_pos().and_then(|place| places.at(whole.min, place));
        if let Some((tile, (low, high))) = tile.and_then(|tile| Some((tile, self.ranges.get(tile)?))) {
            let range = if low == high { format!("{low:.3}") } else { format!("{low:.3} to {high:.3}") };
            response.on_hover_text_at_pointer(format!("{tile}: {range}"));
        }
        if self.count < self.of {
            ui.label(format!("The first {} of {} are shown.", self.count, self.of));
        }
    }

    /// Where a tile lies in the texture.
    fn part(&self, tile: usize) -> Rect {
        let rows = self.count.div_ceil(self.columns.max(1));
        let [x, y] = [tile % self.columns, tile / self.columns].map(|place| place as f32);
        let size = Vec2::new(1.0 / self.columns as f32, 1.0 / rows as f32);
        debug_assert!(self.pixels[0] > 0 && self.pixels[1] > 0);
        Rect::from_min_size(pos2(x * size.x, y * size.y), size)
    }
}

/// All tiles in one picture, row by row.
fn atlas(
    maps: &Maps,
    columns: usize,
    [height, width]: [usize; 2],
    every: [usize; 2],
    color: &dyn Fn(&[f32]) -> Color32,
) -> ColorImage {
    let size = [columns * width, maps.count.div_ceil(columns) * height];
    let mut image = ColorImage::filled(size, Color32::TRANSPARENT);
    let plane = maps.height * maps.width;
    let mut place = Vec::new();
    for (tile, map) in maps.values.chunks(maps.channels * plane).take(maps.count).enumerate() {
        for at in 0..height * width {
            let from = at / width * every[0] * maps.width + at % width * every[1];
            place.clear();
            place.extend((0..maps.channels).map(|channel| map[channel * plane + from]));
            image[(tile % columns * width + at % width, tile / columns * height + at / width)] = color(&place);
        }
    }
    image
}

/// Where tiles stand: in rows that wrap, all of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Places {
    tile: Vec2,
    columns: usize,
    count: usize,
}

impl Places {
    /// Those of so many maps of so many rows and columns, in so much width.
    fn new(room: f32, count: usize, [height, width]: [usize; 2]) -> Self {
        let longest = height.max(width).max(1) as f32;
        let scale = (2.0 * longest).clamp(LEAST, LARGEST) / longest;
        let tile = Vec2::new(width as f32, height as f32) * scale;
        let columns = ((room + GAP) / (tile.x + GAP)).floor().max(1.0) as usize;
        Self { tile, columns: columns.min(count.max(1)), count }
    }

    fn size(&self) -> Vec2 {
        let rows = self.count.div_ceil(self.columns);
        let step = self.tile + Vec2::splat(GAP);
        Vec2::new(step.x * self.columns as f32 - GAP, step.y * rows as f32 - GAP)
    }

    fn of(&self, origin: Pos2, tile: usize) -> Rect {
        let step = self.tile + Vec2::splat(GAP);
        let place = Vec2::new((tile % self.columns) as f32 * step.x, (tile / self.columns) as f32 * step.y);
        Rect::from_min_size(origin + place, self.tile)
    }

    /// The tile under a place on the screen.
    fn at(&self, origin: Pos2, place: Pos2) -> Option<usize> {
        let step = self.tile + Vec2::splat(GAP);
        let [x, y] = [(place.x - origin.x) / step.x, (place.y - origin.y) / step.y].map(|at| at.max(0.0) as usize);
        let tile = y * self.columns + x;
        (x < self.columns && tile < self.count && self.of(origin, tile).contains(place)).then_some(tile)
    }
}

/// Least and largest of numbers; zeros where there are none.
pub fn numbers(values: &[f32]) -> (f32, f32) {
    let range = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &value| (low.min(value), high.max(value)));
    if values.is_empty() { (0.0, 0.0) } else { range }
}

/// Places of each of three maps, one a colour; nothing of other maps: no texture is without a pixel.
fn plane(maps: &Maps) -> Option<usize> {
    let plane = maps.height * maps.width;
    (plane > 0 && maps.count == 3 && maps.values.len() == 3 * plane).then_some(plane)
}

/// A colour image out of three maps in 0 to 1.
pub fn pixels(maps: &Maps) -> Option<ColorImage> {
    let plane = plane(maps)?;
    let byte = |at: usize| (255.0 * maps.values[at].clamp(0.0, 1.0)).round() as u8;
    let pixel = |at: usize| Color32::from_rgb(byte(at), byte(plane + at), byte(2 * plane + at));
    Some(ColorImage::new([maps.width, maps.height], (0..plane).map(pixel).collect()))
}

/// The sum over colours of a gradient: red above zero, blue below, the clearer the farther from it.
pub fn overlay(maps: &Maps) -> Option<ColorImage> {
    let plane = plane(maps)?;
    let sums: Vec<f32> = (0..plane).map(|at| (0..3).map(|color| maps.values[color * plane + at]).sum()).collect();
    let most = sums.iter().fold(0.0_f32, |most, sum| most.max(sum.abs())).max(f32::MIN_POSITIVE);
    let pixel = |sum: &f32| {
        let share = sum / most;
        theme::difference(f64::from(share.signum())).gamma_multiply(share.abs())
    };
    Some(ColorImage::new([maps.width, maps.height], sums.iter().map(pixel).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_was_seen_there_is_no_texture() {
        assert_eq!([pixels(&Maps::default()), overlay(&Maps::default())], [None, None]);
    }

    fn maps(count: usize, channels: usize, [height, width]: [usize; 2]) -> Maps {
        let values = (0..count * channels * height * width).map(|value| value as f32).collect();
        Maps { count, channels, height, width, values }
    }

    #[test]
    fn tiles_wrap_and_are_found_under_the_pointer() {
        // Tiles of 36 points: five and the gaps between them fit into 200.
        let places = Places::new(200.0, 12, [3, 3]);
        assert_eq!((places.tile, places.columns), (Vec2::splat(36.0), 5));
        assert_eq!(places.size(), Vec2::new(5.0 * 39.0 - 3.0, 3.0 * 39.0 - 3.0));
        let origin = pos2(10.0, 20.0);
        for tile in 0..12 {
            assert_eq!(places.at(origin, places.of(origin, tile).center()), Some(tile));
        }
        assert_eq!(places.at(origin, pos2(10.0 + 37.5, 30.0)), None, "between two tiles");
        assert_eq!(places.at(origin, places.of(origin, 12).center()), None, "behind the last");
        assert_eq!(Places::new(10.0, 3, [64, 64]).columns, 1, "no room");
    }

    #[test]
    fn every_number_of_a_map_has_its_pixel() {
        let maps = maps(5, 3, [2, 4]);
        let color = |place: &[f32]| Color32::from_rgb(place[0] as u8, place[1] as u8, place[2] as u8);
        let image = atlas(&maps, 3, [2, 4], [1, 1], &color);
        assert_eq!(image.size, [12, 4]);
        // The fourth map is the first of the second row: at row 1, column 2 of it 78, 86 and 94.
        assert_eq!(image[(2, 2 + 1)], Color32::from_rgb(78, 86, 94));
        assert_eq!(image[(11, 3)], Color32::TRANSPARENT, "no sixth map");
    }

    #[test]
    fn the_overlay_shows_sign_and_size() {
        let mut gradient = maps(3, 1, [1, 3]);
        gradient.values = vec![1.0, -1.0, 0.5, 1.0, -2.0, -0.5, 2.0, 0.0, 0.0];
        let image = overlay(&gradient).unwrap();
        let [up, down, none] = [0, 1, 2].map(|x| image[(x, 0)]);
        assert!(up.r() > up.b() && up.a() == 255, "{up:?}");
        assert!(down.b() > down.r() && (185..=200).contains(&down.a()), "{down:?}");
        assert_eq!(none.a(), 0);
    }
}
