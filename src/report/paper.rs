//! Numbers that the paper prints, to be shown beside those that are measured.

/// A loss, its AEM and its AEO in percent.
pub type Printed = (&'static str, f64, f64);

/// Table 1, on the Adience data set: the paper's smallest network (`ALXs`).
pub const ALXS: [Printed; 6] = [
    ("xe", 53.0, 85.7),
    ("reg", 49.8, 85.1),
    ("emd", 57.0, 90.4),
    ("xemd1", 54.2, 88.0),
    ("xemd2", 54.8, 87.5),
    ("a-emd", 53.9, 88.7),
];

/// Table 1, on the Adience data set: the residual network that the paper trains from scratch (`RES`).
pub const RES: [Printed; 6] = [
    ("xe", 58.1, 90.3),
    ("reg", 57.3, 91.8),
    ("emd", 61.9, 93.1),
    ("xemd1", 60.2, 92.4),
    ("xemd2", 60.2, 92.7),
    ("a-emd", 58.7, 91.7),
];
