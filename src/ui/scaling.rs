//! Classical multidimensional scaling (Torgerson 1952): places in one and two dimensions whose distances come as near
//! to those of a matrix as a few coordinates can, and the turn that keeps a layout where the one before it was.

/// Rounds of Jacobi rotations over all pairs; six to ten reach the last bit.
const SWEEPS: usize = 30;

/// Classes laid out by their distances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scaled {
    /// The place of each class, along the axis of largest spread and along the next.
    pub places: Vec<[f64; 2]>,
    /// Share of the distances that one coordinate shows, and that both do: their eigenvalues over the sum of the
    /// absolute values of all.
    pub shares: [f64; 2],
}

/// Lays classes out by their distances, classes x classes, read as the symmetric part.
///
/// With B = -1/2 J S J, where S holds squared distances and J takes off the mean, the coordinates are the eigenvectors of
/// B's two largest eigenvalues times their roots. `None` where an entry is not finite or the size is wrong.
pub fn scale(distances: &[f64], classes: usize) -> Option<Scaled> {
    if distances.len() != classes * classes || !distances.iter().all(|distance| distance.is_finite()) {
        return None;
    }
    let pairs = eigen(&centred_squares(distances, classes), classes);
    let all: f64 = pairs.iter().map(|(value, _)| value.abs()).sum();
    let axis = |at: usize| pairs.get(at).map_or(0.0, |(value, _)| value.max(0.0));
    let coordinate = |class: usize, at: usize| pairs.get(at).map_or(0.0, |(_, vector)| vector[class] * axis(at).sqrt());
    let share = |shown: f64| if all > 0.0 { shown / all } else { 0.0 };
    Some(Scaled {
        places: (0..classes).map(|class| [coordinate(class, 0), coordinate(class, 1)]).collect(),
        shares: [share(axis(0)), share(axis(0) + axis(1))],
    })
}

/// B = -1/2 J S J.
fn centred_squares(distances: &[f64], n: usize) -> Vec<f64> {
    let square = |at: usize| ((distances[at] + distances[at % n * n + at / n]) / 2.0).powi(2);
    let squares: Vec<f64> = (0..n * n).map(square).collect();
    let means: Vec<f64> = squares.chunks_exact(n.max(1)).map(|row| row.iter().sum::<f64>() / n as f64).collect();
    let mean = means.iter().sum::<f64>() / n.max(1) as f64;
    (0..n * n).map(|at| -0.5 * (squares[at] - means[at / n] - means[at % n] + mean)).collect()
}

/// Eigenvalues of a symmetric matrix, n x n, largest first, each with its eigenvector of length 1: cyclic Jacobi
/// rotations (Golub and Van Loan, section 8.5).
pub fn eigen(matrix: &[f64], n: usize) -> Vec<(f64, Vec<f64>)> {
    let mut a = matrix.to_vec();
    // Rows become the eigenvectors.
    let mut vectors: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
    let whole: f64 = a.iter().map(|entry| entry * entry).sum();
    for _ in 0..SWEEPS {
        let beside: f64 = (0..n * n).filter(|at| at / n != at % n).map(|at| a[at] * a[at]).sum();
        if beside <= 1e-30 * whole {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, n, p, q);
            }
        }
    }
    let mut pairs: Vec<(f64, Vec<f64>)> =
        (0..n).map(|i| (a[i * n + i], vectors[i * n..(i + 1) * n].to_vec())).collect();
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0));
    pairs
}

/// Turns the plane of axes p and q so that the entry between them vanishes.
fn rotate(a: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    let between = a[p * n + q];
    if between == 0.0 {
        return;
    }
    let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * between);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    let turn = |values: &mut [f64], at_p: usize, at_q: usize| {
        let (x, y) = (values[at_p], values[at_q]);
        (values[at_p], values[at_q]) = (c * x - s * y, s * x + c * y);
    };
    for k in 0..n {
        turn(a, k * n + p, k * n + q);
    }
    for k in 0..n {
        turn(a, p * n + k, q * n + k);
        turn(vectors, p * n + k, q * n + k);
    }
}

/// Turns places about the origin, and mirrors them where that is nearer, so that the sum of squared ways to others is
/// least (orthogonal Procrustes; both are centred already).
pub fn align(places: &mut [[f64; 2]], to: &[[f64; 2]]) {
    let sum = |term: fn([f64; 2], [f64; 2]) -> f64| places.iter().zip(to).map(|(&x, &y)| term(x, y)).sum::<f64>();
    let [xx, xy, yx, yy] =
        [sum(|x, y| x[0] * y[0]), sum(|x, y| x[0] * y[1]), sum(|x, y| x[1] * y[0]), sum(|x, y| x[1] * y[1])];
    // A turn by the angle of this vector gains its length; mirrored, the second coordinate has the other sign.
    let (turned, mirrored) = ([xx + yy, xy - yx], [xx - yy, xy + yx]);
    let mirror = mirrored[0].hypot(mirrored[1]) > turned[0].hypot(turned[1]);
    let [along, across] = if mirror { mirrored } else { turned };
    let length = along.hypot(across);
    if length == 0.0 {
        return;
    }
    let (c, s) = (along / length, across / length);
    for place in places {
        let y = if mirror { -place[1] } else { place[1] };
        *place = [c * place[0] - s * y, s * place[0] + c * y];
    }
}

#[cfg(test)]
mod tests;
