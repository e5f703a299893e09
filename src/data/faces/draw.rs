//! One portrait, from the background to the last grain of noise.

use super::ageing::{Ages, Looks};
use super::finish::{blur, expose, shrink};
use super::head::Face;
use super::paint::{Canvas, ellipse, rectangle};
use super::person::{Person, Scene};
use super::stream::Stream;

/// Pictures smaller than this are painted larger, by a whole factor, and shrunk.
const PAINTED: usize = 72;

/// The portrait of `person` whose cues show `ages`: planar RGB, 3 x side x side bytes.
pub(super) fn draw(person: &Person, ages: &Ages, side: usize, noise: &mut Stream) -> Vec<u8> {
    let looks = Looks::new(ages, person);
    let factor = PAINTED.div_ceil(side.max(1));
    let Some(mut canvas) = Canvas::new(side * factor) else {
        return Vec::new();
    };
    background(&mut canvas, &person.scene);
    figure(&mut canvas, &Face::new(person, &looks));
    let small = shrink(&canvas.into_colours(), side, factor);
    let soft = blur(small, side, 0.5 * side as f32 * person.shot.blur);
    expose(&soft, &person.shot, noise)
}

fn background(canvas: &mut Canvas, scene: &Scene) {
    let [x, y] = scene.towards;
    let all = rectangle([-1.1, -1.1], [1.1, 1.1]);
    canvas.fade(&all, [[x, y], [-x, -y]], (scene.near, 1.0), (scene.far, 1.0));
    for (centre, radius, opacity) in scene.discs {
        canvas.fill(&ellipse(centre, radius, radius), [1.0, 1.0, 1.0], opacity);
    }
}

fn figure(canvas: &mut Canvas, face: &Face) {
    let shot = &face.person.shot;
    let straight = |canvas: &mut Canvas| canvas.place(shot.zoom, shot.shift, 0.0, [0.0, 0.0]);
    let tilted = |canvas: &mut Canvas| canvas.place(shot.zoom, shot.shift, shot.tilt, [0.0, 0.6]);
    tilted(canvas);
    face.hair_behind(canvas);
    straight(canvas);
    face.body(canvas);
    tilted(canvas);
    let outline = face.outline();
    face.ears(canvas);
    face.skin(canvas, &outline);
    face.freckles(canvas);
    face.wrinkles(canvas);
    face.beard(canvas, &outline);
    face.nose(canvas);
    face.mouth(canvas);
    face.eyes(canvas);
    face.temples(canvas);
    face.hair_over(canvas);
    face.glasses(canvas);
}
