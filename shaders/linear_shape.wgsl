// The sizes of a fully connected layer's product, and the distances of neighbours in its matrices.

override ROWS: u32 = 1u;
override COLUMNS: u32 = 1u;
override INNER: u32 = 1u;
override LEFT_ROW: u32 = 1u;
override LEFT_INNER: u32 = 1u;
override RIGHT_INNER: u32 = 1u;
override RIGHT_COLUMN: u32 = 1u;

