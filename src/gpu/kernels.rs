//! The kernel table: one row an entry point. A row's bindings stand in the order of the
//! operation's operands (scratch memory last; of two that are done together, without what
//! passes between them), each with its number in the WGSL; layouts are built from the rows, and
//! a test holds every row against naga's reflection of the shader.

/// A WGSL file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Batches out of a data set.
    Augment,
    /// Convolutions.
    Conv,
    /// Convolutions of 3x3 over quads in storage.
    Conv3x3,
    /// The same over quads in pages.
    Conv3x3Pages,
    /// Convolutions by tiles in workgroup memory.
    TileConvForward,
    /// Their gradients by the input.
    TileConvData,
    /// Their gradients by the weight.
    TileConvWeight,
    /// Fully connected layers likewise.
    TileLinear,
    /// What groups summed apart, added.
    SumChunks,
    /// Copies in the order in which kernels read.
    Pack,
    /// Matrix products over packed pages.
    Product,
    /// Matrix products.
    Linear,
    /// Matrix products over quads.
    Linear4,
    /// Pooling.
    Pool,
    /// Max pooling over quads.
    Pool4,
    /// ReLU, dropout, sums.
    Pointwise,
    /// Batch normalisation and channel sums.
    Norm,
    /// Losses of networks with an output a class.
    Loss,
    /// Losses of networks with other outputs.
    Ordinal,
    /// Sums, counts and predictions.
    Reading,
    /// Centroids and distances.
    Ground,
    /// The optimiser.
    Sgd,
    /// The adapter's own peaks.
    Peaks,
}

impl Family {
    /// The WGSL, the common part first.
    #[must_use]
    pub fn source(self) -> &'static str {
        macro_rules! with_common {
            ($($file:literal),+) => {
                concat!(include_str!("../../shaders/common.wgsl"), $(include_str!(concat!("../../shaders/", $file))),+)
            };
        }
        match self {
            Self::Augment => with_common!("augment.wgsl"),
            Self::Conv => with_common!("conv_shape.wgsl", "conv.wgsl"),
            Self::Conv3x3 => with_common!("windows.wgsl", "conv3x3_storage.wgsl", "conv3x3.wgsl"),
            Self::Conv3x3Pages => with_common!("windows.wgsl", "conv3x3_pages.wgsl", "conv3x3.wgsl"),
            Self::TileConvForward => {
                with_common!(
                    "matrices.wgsl",
                    "conv_shape.wgsl",
                    "conv_windows.wgsl",
                    "tile_conv_forward.wgsl",
                    "tile.wgsl"
                )
            }
            Self::TileConvData => with_common!("matrices.wgsl", "conv_shape.wgsl", "tile_conv_data.wgsl", "tile.wgsl"),
            Self::TileConvWeight => {
                with_common!(
                    "matrices.wgsl",
                    "conv_shape.wgsl",
                    "conv_windows.wgsl",
                    "tile_conv_weight.wgsl",
                    "tile.wgsl"
                )
            }
            Self::TileLinear => with_common!("matrices.wgsl", "linear_shape.wgsl", "tile_linear.wgsl", "tile.wgsl"),
            Self::SumChunks => with_common!("sum_chunks.wgsl"),
            Self::Pack => with_common!("pack.wgsl"),
            Self::Product => with_common!("product.wgsl"),
            Self::Linear => with_common!("matrices.wgsl", "linear_shape.wgsl", "linear.wgsl"),
            Self::Linear4 => with_common!("linear4.wgsl"),
            Self::Pool => with_common!("pool.wgsl"),
            Self::Pool4 => with_common!("windows.wgsl", "pool4.wgsl"),
            Self::Pointwise => with_common!("pointwise.wgsl"),
            Self::Norm => with_common!("group_sum.wgsl", "norm.wgsl"),
            Self::Loss => with_common!("loss.wgsl"),
            Self::Ordinal => with_common!("ordinal.wgsl"),
            Self::Reading => with_common!("group_sum.wgsl", "reading.wgsl"),
            Self::Ground => with_common!("group_sum.wgsl", "ground.wgsl"),
            Self::Sgd => with_common!("sgd.wgsl"),
            Self::Peaks => with_common!("peaks.wgsl"),
        }
    }
}

/// How a kernel sees a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Storage that it only reads.
    Read,
    /// Storage that it writes, or reads and writes.
    Write,
    /// A page of 16,384 words (64 KiB, what WebGPU grants) in uniform memory: for what all invocations of a group
    /// read at once, which GPUs cache for the purpose; software drivers load all of it several times as fast as storage.
    Page,
    /// The shape of one dispatch, a struct of at most `SHAPE_WORDS` words: where compiling a kernel anew for every
    /// shape would take longer than constants are worth.
    Shape,
}

/// One buffer of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its number in group 0.
    pub number: u32,
    /// How the kernel sees it.
    pub kind: Kind,
}

/// Words of every page: the 64 KiB that WebGPU grants a uniform binding.
pub const PAGE_WORDS: usize = 16_384;

/// Words of every dispatch's shape.
pub const SHAPE_WORDS: usize = 16;

/// One entry point.
#[derive(Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The entry point's name.
    pub entry: &'static str,
    /// The file it stands in.
    pub family: Family,
    /// Its bindings: what the operation reads, then what it writes, in the order of its operands.
    pub bindings: &'static [Binding],
}

/// Invocations of most kernels' workgroups (`GROUP` in WGSL).
pub const GROUP: usize = 64;

/// The same in kernels of software drivers whose tiles fill all registers (`VECTOR` in WGSL).
pub const VECTOR: usize = 8;

const fn r(number: u32) -> Binding {
    Binding { number, kind: Kind::Read }
}

const fn w(number: u32) -> Binding {
    Binding { number, kind: Kind::Write }
}

const fn p(number: u32) -> Binding {
    Binding { number, kind: Kind::Page }
}

const fn s(number: u32) -> Binding {
    Binding { number, kind: Kind::Shape }
}

const fn row(entry: &'static str, family: Family, bindings: &'static [Binding]) -> Kernel {
    Kernel { entry, family, bindings }
}

/// All kernels.
pub static KERNELS: &[Kernel] = &[
    row("augment", Family::Augment, &[r(0), r(1), r(2), r(3), w(4), w(5)]),
    row("centre_crops", Family::Augment, &[r(0), r(1), r(2), r(3), w(4), w(5)]),
    row("batch_rows", Family::Augment, &[r(2), r(3), w(6)]),
    row("conv_forward", Family::Conv, &[r(0), r(1), r(2), w(3)]),
    row("conv_backward_data", Family::Conv, &[r(4), r(1), w(5)]),
    row("conv_backward_weight", Family::Conv, &[r(0), r(4), w(6)]),
    row("pack_weight", Family::Pack, &[r(0), w(1), s(2)]),
    row("pack_matrix", Family::Pack, &[r(0), w(1), s(2)]),
    row("conv3x3", Family::Conv3x3, &[r(0), p(1), r(2), w(3), s(6)]),
    row("conv3x3_pooled", Family::Conv3x3, &[r(0), p(1), r(2), w(3), w(7), s(6)]),
    row("conv3x3_weight", Family::Conv3x3, &[r(0), r(4), w(5), s(6)]),
    row("conv3x3", Family::Conv3x3Pages, &[p(0), p(1), r(2), w(3), s(6)]),
    row("conv3x3_pooled", Family::Conv3x3Pages, &[p(0), p(1), r(2), w(3), w(7), s(6)]),
    row("conv3x3_weight", Family::Conv3x3Pages, &[p(0), p(4), w(5), s(6)]),
    row("product_by_tiles", Family::TileConvForward, &[r(0), r(1), r(2), w(3)]),
    row("product_by_tiles", Family::TileConvData, &[r(0), r(1), w(3)]),
    row("product_by_tiles", Family::TileConvWeight, &[r(0), r(1), w(3)]),
    row("product_by_tiles", Family::TileLinear, &[r(0), r(1), r(2), w(3)]),
    row("sum_chunks", Family::SumChunks, &[r(0), w(1)]),
    row("sum_chunks_of_two", Family::SumChunks, &[r(0), w(1), w(2)]),
    row("matrix_product", Family::Linear, &[r(0), r(1), r(2), w(3)]),
    row("product_transposed_right", Family::Linear4, &[r(0), r(1), r(2), w(3), s(4)]),
    row("product_plain", Family::Linear4, &[r(0), r(1), w(3), s(4)]),
    row("product_transposed_left", Family::Linear4, &[r(0), r(1), w(3), s(4)]),
    row("product_of_pages", Family::Product, &[p(0), p(1), r(2), w(3), s(4)]),
    row("max_pool_forward", Family::Pool, &[r(0), w(1), w(2)]),
    row("max_pool_backward", Family::Pool, &[r(3), r(4), w(5)]),
    row("average_pool_forward", Family::Pool, &[r(0), w(1)]),
    row("average_pool_backward", Family::Pool, &[r(3), w(5)]),
    row("max_pool4_forward", Family::Pool4, &[r(0), w(1), w(2)]),
    row("max_pool4_backward", Family::Pool4, &[r(3), r(4), w(5)]),
    row("relu_forward", Family::Pointwise, &[r(0), w(2)]),
    row("relu_backward", Family::Pointwise, &[r(0), r(1), w(2)]),
    row("dropout", Family::Pointwise, &[r(0), r(3), w(2)]),
    row("add", Family::Pointwise, &[r(0), r(1), w(2)]),
    row("channel_sum", Family::Norm, &[r(0), w(9)]),
    row("batch_norm_moments", Family::Norm, &[r(0), w(10)]),
    row("batch_norm_statistics", Family::Norm, &[r(13), w(11), w(12), w(14), w(15)]),
    row("batch_norm_forward", Family::Norm, &[r(0), r(1), r(2), r(3), r(4), w(5)]),
    row("batch_norm_inference", Family::Norm, &[r(0), r(1), r(2), r(3), r(4), w(5)]),
    row("batch_norm_backward_weight", Family::Norm, &[r(0), r(1), r(2), r(6), w(9)]),
    row("batch_norm_backward_data", Family::Norm, &[r(0), r(1), r(2), r(3), r(6), r(7), r(8), w(5)]),
    row("loss_xe", Family::Loss, &[r(0), r(1), w(4), w(5), w(6)]),
    row("loss_emd", Family::Loss, &[r(0), r(1), w(4), w(5), w(6)]),
    row("loss_emd_linear", Family::Loss, &[r(0), r(1), r(2), w(4), w(5), w(6)]),
    row("loss_xemd", Family::Loss, &[r(0), r(1), r(2), r(3), w(4), w(5), w(6)]),
    row("loss_a_emd", Family::Loss, &[r(0), r(1), r(2), r(3), w(4), w(5), w(6)]),
    row("loss_soft_xe", Family::Loss, &[r(0), r(1), r(7), r(8), w(4), w(5), w(6)]),
    row("loss_soft_emd", Family::Loss, &[r(0), r(1), r(7), r(8), w(4), w(5), w(6)]),
    row("loss_qwk", Family::Loss, &[r(0), r(1), w(4), w(5), w(6)]),
    row("loss_corn", Family::Ordinal, &[r(0), r(1), w(5), w(6), w(7)]),
    row("loss_reg", Family::Ordinal, &[r(0), r(1), r(2), r(3), r(4), w(5), w(6), w(7)]),
    row("tally", Family::Reading, &[r(5), r(0), r(1), r(2), w(3), w(4), w(6)]),
    row("average_predictions", Family::Reading, &[r(7), r(2), w(8), w(9)]),
    row("average_conditionals", Family::Reading, &[r(7), r(2), w(8), w(9)]),
    row("average_outputs", Family::Reading, &[r(7), r(2), w(8), w(9)]),
    row("tick", Family::Reading, &[w(10)]),
    row("norms_of_rows", Family::Ground, &[r(0), w(1)]),
    row("class_sums_of_rows", Family::Ground, &[r(0), r(3), r(2), w(4), w(5)]),
    row("mean_centroids", Family::Ground, &[r(6), r(7), w(8)]),
    row("pairwise_distances", Family::Ground, &[r(9), w(10)]),
    row("distance_ranks", Family::Ground, &[r(11), w(12)]),
    row("mean_of_ranks", Family::Ground, &[w(12)]),
    row("sgd", Family::Sgd, &[r(0), r(1), w(2), w(3)]),
    row("multiply_add_chains", Family::Peaks, &[r(0), w(1)]),
    row("copy", Family::Peaks, &[r(0), w(1)]),
];

/// The row of an entry point; where it reads storage or pages, that which reads storage.
pub(super) fn kernel(entry: &str) -> &'static Kernel {
    // Only lowering names entries, and a test lowers every operation.
    KERNELS.iter().find(|kernel| kernel.entry == entry).expect("the kernel table has a row for every entry")
}

/// The row of an entry point in a file.
pub(super) fn kernel_in(family: Family, entry: &str) -> &'static Kernel {
    let mut rows = KERNELS.iter().filter(|kernel| kernel.family == family);
    // As above.
    rows.find(|kernel| kernel.entry == entry).expect("the kernel table has a row for every entry of a file")
}

#[cfg(test)]
mod loops;

#[cfg(test)]
mod tests {
    use super::*;
    use naga::valid::{Capabilities, ValidationFlags, Validator};
    use std::collections::BTreeMap;

    pub(super) const FAMILIES: [Family; 23] = [
        Family::Augment,
        Family::Conv,
        Family::Conv3x3,
        Family::Conv3x3Pages,
        Family::TileConvForward,
        Family::TileConvData,
        Family::TileConvWeight,
        Family::TileLinear,
        Family::SumChunks,
        Family::Pack,
        Family::Product,
        Family::Linear,
        Family::Linear4,
        Family::Pool,
        Family::Pool4,
        Family::Pointwise,
        Family::Norm,
        Family::Loss,
        Family::Ordinal,
        Family::Reading,
        Family::Ground,
        Family::Sgd,
        Family::Peaks,
    ];

    /// Number -> kind of the buffers that an entry point uses.
    fn reflected(module: &naga::Module, info: &naga::valid::ModuleInfo, entry: usize) -> BTreeMap<u32, Kind> {
        let used = info.get_entry_point(entry);
        let mut bindings = BTreeMap::new();
        for (handle, variable) in module.global_variables.iter() {
            if used[handle].is_empty() {
                continue;
            }
            let kind = match variable.space {
                naga::AddressSpace::Storage { access } if access.contains(naga::StorageAccess::STORE) => Kind::Write,
                naga::AddressSpace::Storage { .. } => Kind::Read,
                naga::AddressSpace::Uniform => {
                    let inner = &module.types[variable.ty].inner;
                    let (size, is_shape) =
                        (inner.size(module.to_ctx()) as usize, matches!(inner, naga::TypeInner::Struct { .. }));
                    assert!(if is_shape { size <= 4 * SHAPE_WORDS } else { size == 4 * PAGE_WORDS }, "{size}");
                    if is_shape { Kind::Shape } else { Kind::Page }
                }
                _ => continue,
            };
            let binding = variable.binding.as_ref().expect("buffers are bound");
            assert_eq!(binding.group, 0);
            bindings.insert(binding.binding, kind);
        }
        bindings
    }

    #[test]
    fn the_table_agrees_with_the_shaders() {
        let mut seen = 0;
        for family in FAMILIES {
            let module = naga::front::wgsl::parse_str(family.source())
                .unwrap_or_else(|error| panic!("{family:?}: {}", error.emit_to_string(family.source())));
            let info = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module).unwrap();
            for (index, entry) in module.entry_points.iter().enumerate() {
                let row = KERNELS.iter().find(|row| row.entry == entry.name && row.family == family);
                let row = row.unwrap_or_else(|| panic!("{}", entry.name));
                let table: BTreeMap<u32, Kind> = row.bindings.iter().map(|b| (b.number, b.kind)).collect();
                assert_eq!(reflected(&module, &info, index), table, "{}", entry.name);
                let by_vectors = matches!(family, Family::Conv3x3 | Family::Conv3x3Pages | Family::Product);
                let group = if by_vectors { VECTOR } else { GROUP };
                assert_eq!(entry.workgroup_size, [group as u32, 1, 1], "{}", entry.name);
                assert!(table.len() <= 8, "{} binds more than 8 buffers", entry.name);
                seen += 1;
            }
        }
        assert_eq!(seen, KERNELS.len());
    }

    /// (name, offset) of each member and the size of a WGSL struct.
    fn layout(source: &str, name: &str) -> (Vec<(String, u32)>, u32) {
        let module = naga::front::wgsl::parse_str(source).unwrap();
        let mut types = module.types.iter();
        let (_, found) = types.find(|(_, ty)| ty.name.as_deref() == Some(name)).unwrap();
        let naga::TypeInner::Struct { members, span } = &found.inner else { panic!("{name} is a struct") };
        (members.iter().map(|m| (m.name.clone().unwrap(), m.offset)).collect(), *span)
    }

    #[test]
    fn structs_have_one_layout_in_rust_and_in_wgsl() {
        use crate::gpu::lower::{Conv3x3Shape, PackShape, PagesShape, ProductShape};
        use crate::plan::{Clock, StepSettings};
        use std::mem::offset_of;
        let common = include_str!("../../shaders/common.wgsl");
        macro_rules! same {
            ($source:expr, $rust:ty, $wgsl:literal, $($field:ident),+) => {
                let fields = vec![$((stringify!($field).to_owned(), offset_of!($rust, $field) as u32)),+];
                assert_eq!(layout($source, $wgsl), (fields, size_of::<$rust>() as u32));
            };
        }
        same!(common, Clock, "Clock", seed, epoch, step, cursor);
        #[rustfmt::skip]
        same!(common, StepSettings, "Settings", learning_rate, momentum, weight_decay, lambda, omega, mu, regulariser, reserved);
        #[rustfmt::skip]
        same!(Family::Conv3x3.source(), Conv3x3Shape, "Shape", images, image, in_channels, inner, out_channels, height, quads, first, block, origin, gradient_origin, chunk_rows, bias, add);
        #[rustfmt::skip]
        same!(Family::Pack.source(), PackShape, "Shape", rows, inner, row_stride, inner_stride, page_rows, page_inner, turned);
        #[rustfmt::skip]
        same!(Family::Product.source(), PagesShape, "Shape", rows, columns, inner, row, column, page_rows, page_columns, bias, add);
        same!(Family::Linear4.source(), ProductShape, "Shape", rows, columns, inner, bias);
    }
}
