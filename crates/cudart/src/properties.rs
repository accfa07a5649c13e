//! What the program may ask about the device: cudaDeviceProp, whose layout changed with CUDA 12 and 13, and
//! cudaDeviceGetAttribute. One table says which field lies in which layout; offsets follow from C's rules.

use entry::CudaVersion;
use gpu::{Facts, MAX_PITCH, PCI, PITCH_ALIGNMENT, UUID};

/// How a field lies in memory, with its value.
enum Field {
    /// `int` or `unsigned int`.
    Int(i64),
    /// `int[N]`.
    Ints(&'static [i64]),
    /// `int[3]` from the device.
    Triple([u32; 3]),
    /// `size_t`.
    Size(u64),
    /// `char[N]`, a string or raw bytes, padded with zero.
    Bytes(Vec<u8>, usize),
}

const ALL: u8 = 0b111;
/// CUDA 11 and 12: dropped in 13.
const OLD: u8 = 0b011;
/// CUDA 12 and 13: added in 12.
const NEW: u8 = 0b110;
/// CUDA 13 only.
const NEWEST: u8 = 0b100;
/// CUDA 12 only.
const TWELVE: u8 = 0b010;

/// Every field of cudaDeviceProp in the order of the header: layouts that have it (bit 0 is CUDA 11, bit 1 is
/// 12, bit 2 is 13), name, value.
fn fields(f: &Facts) -> Vec<(u8, &'static str, Field)> {
    use Field::*;
    let int = |v: u32| Int(i64::from(v));
    // Textures are refused; their limits are zero, so that nobody tries.
    const NONE: &[i64] = &[0, 0, 0];
    vec![
        (ALL, "name", Bytes(f.name.clone().into_bytes(), 256)),
        (ALL, "uuid", Bytes(UUID.to_vec(), 16)),
        (ALL, "luid", Bytes(Vec::new(), 8)),
        (ALL, "luidDeviceNodeMask", Int(0)),
        (ALL, "totalGlobalMem", Size(f.global_memory)),
        (ALL, "sharedMemPerBlock", Size(f.shared_per_block.into())),
        (ALL, "regsPerBlock", int(f.registers_per_block)),
        (ALL, "warpSize", int(f.warp_size)),
        (ALL, "memPitch", Size(MAX_PITCH as u64)),
        (ALL, "maxThreadsPerBlock", int(f.max_threads_per_block)),
        (ALL, "maxThreadsDim", Triple(f.max_block)),
        (ALL, "maxGridSize", Triple(f.max_grid)),
        (OLD, "clockRate", int(f.clock_khz)),
        (ALL, "totalConstMem", Size(f.constant_memory)),
        (ALL, "major", int(f.compute_capability.0)),
        (ALL, "minor", int(f.compute_capability.1)),
        (ALL, "textureAlignment", Size(PITCH_ALIGNMENT)),
        (ALL, "texturePitchAlignment", Size(32)),
        (OLD, "deviceOverlap", Int(1)),
        (ALL, "multiProcessorCount", int(f.multiprocessors)),
        (OLD, "kernelExecTimeoutEnabled", Int(0)),
        (ALL, "integrated", Int(0)),
        (ALL, "canMapHostMemory", Int(1)),
        (OLD, "computeMode", Int(0)),
        (ALL, "maxTexture1D", Int(0)),
        (ALL, "maxTexture1DMipmap", Int(0)),
        (OLD, "maxTexture1DLinear", Int(0)),
        (ALL, "maxTexture2D", Ints(&NONE[..2])),
        (ALL, "maxTexture2DMipmap", Ints(&NONE[..2])),
        (ALL, "maxTexture2DLinear", Ints(NONE)),
        (ALL, "maxTexture2DGather", Ints(&NONE[..2])),
        (ALL, "maxTexture3D", Ints(NONE)),
        (ALL, "maxTexture3DAlt", Ints(NONE)),
        (ALL, "maxTextureCubemap", Int(0)),
        (ALL, "maxTexture1DLayered", Ints(&NONE[..2])),
        (ALL, "maxTexture2DLayered", Ints(NONE)),
        (ALL, "maxTextureCubemapLayered", Ints(&NONE[..2])),
        (ALL, "maxSurface1D", Int(0)),
        (ALL, "maxSurface2D", Ints(&NONE[..2])),
        (ALL, "maxSurface3D", Ints(NONE)),
        (ALL, "maxSurface1DLayered", Ints(&NONE[..2])),
        (ALL, "maxSurface2DLayered", Ints(NONE)),
        (ALL, "maxSurfaceCubemap", Int(0)),
        (ALL, "maxSurfaceCubemapLayered", Ints(&NONE[..2])),
        (ALL, "surfaceAlignment", Size(PITCH_ALIGNMENT)),
        (ALL, "concurrentKernels", Int(1)),
        (ALL, "ECCEnabled", Int(0)),
        (ALL, "pciBusID", int(PCI.1)),
        (ALL, "pciDeviceID", int(PCI.2)),
        (ALL, "pciDomainID", int(PCI.0)),
        (ALL, "tccDriver", Int(0)),
        (ALL, "asyncEngineCount", Int(2)),
        (ALL, "unifiedAddressing", Int(1)),
        (OLD, "memoryClockRate", int(f.memory_clock_khz)),
        (ALL, "memoryBusWidth", int(f.memory_bus_bits)),
        (ALL, "l2CacheSize", int(f.l2_bytes)),
        (ALL, "persistingL2CacheMaxSize", Int(0)),
        (
            ALL,
            "maxThreadsPerMultiProcessor",
            int(f.max_threads_per_multiprocessor),
        ),
        (ALL, "streamPrioritiesSupported", Int(1)),
        (ALL, "globalL1CacheSupported", Int(1)),
        (ALL, "localL1CacheSupported", Int(1)),
        (
            ALL,
            "sharedMemPerMultiprocessor",
            Size(f.shared_per_multiprocessor.into()),
        ),
        (ALL, "regsPerMultiprocessor", int(f.registers_per_multiprocessor)),
        (ALL, "managedMemory", Int(1)),
        (ALL, "isMultiGpuBoard", Int(0)),
        (ALL, "multiGpuBoardGroupID", Int(0)),
        (ALL, "hostNativeAtomicSupported", Int(0)),
        (OLD, "singleToDoublePrecisionPerfRatio", Int(32)),
        (ALL, "pageableMemoryAccess", Int(0)),
        (ALL, "concurrentManagedAccess", Int(1)),
        (ALL, "computePreemptionSupported", Int(1)),
        (ALL, "canUseHostPointerForRegisteredMem", Int(1)),
        (ALL, "cooperativeLaunch", Int(1)),
        (OLD, "cooperativeMultiDeviceLaunch", Int(0)),
        (
            ALL,
            "sharedMemPerBlockOptin",
            Size(f.shared_per_block_optin.into()),
        ),
        (ALL, "pageableMemoryAccessUsesHostPageTables", Int(0)),
        (ALL, "directManagedMemAccessFromHost", Int(1)),
        (
            ALL,
            "maxBlocksPerMultiProcessor",
            int(f.max_blocks_per_multiprocessor),
        ),
        (ALL, "accessPolicyMaxWindowSize", Int(0)),
        (ALL, "reservedSharedMemPerBlock", Size(0)),
        (NEW, "hostRegisterSupported", Int(1)),
        (NEW, "sparseCudaArraySupported", Int(0)),
        (NEW, "hostRegisterReadOnlySupported", Int(0)),
        (NEW, "timelineSemaphoreInteropSupported", Int(0)),
        (NEW, "memoryPoolsSupported", Int(1)),
        (NEW, "gpuDirectRDMASupported", Int(0)),
        (NEW, "gpuDirectRDMAFlushWritesOptions", Int(0)),
        (NEW, "gpuDirectRDMAWritesOrdering", Int(0)),
        (NEW, "memoryPoolSupportedHandleTypes", Int(0)),
        (NEW, "deferredMappingCudaArraySupported", Int(0)),
        (NEW, "ipcEventSupported", Int(0)),
        (NEW, "clusterLaunch", Int(0)),
        (NEW, "unifiedFunctionPointers", Int(0)),
        (NEWEST, "deviceNumaConfig", Int(0)),
        (NEWEST, "deviceNumaId", Int(-1)),
        (NEWEST, "mpsEnabled", Int(0)),
        (NEWEST, "hostNumaId", Int(0)),
        (NEWEST, "gpuPciDeviceID", Int(0)),
        (NEWEST, "gpuPciSubsystemID", Int(0)),
        (NEWEST, "hostNumaMultinodeIpcSupported", Int(0)),
        (TWELVE, "reserved", Ints(&[0; 63])),
        (NEWEST, "reserved", Ints(&[0; 56])),
    ]
}

/// Appends a field at its C alignment; gives the offset it got.
fn put(bytes: &mut Vec<u8>, field: &Field) -> usize {
    let align = match field {
        Field::Int(_) | Field::Ints(_) | Field::Triple(_) => 4,
        Field::Size(_) => 8,
        Field::Bytes(..) => 1,
    };
    bytes.resize(bytes.len().next_multiple_of(align), 0);
    let at = bytes.len();
    match field {
        Field::Int(v) => bytes.extend((*v as i32).to_ne_bytes()),
        Field::Ints(list) => list.iter().for_each(|v| bytes.extend((*v as i32).to_ne_bytes())),
        Field::Triple(list) => list.iter().for_each(|v| bytes.extend((*v as i32).to_ne_bytes())),
        Field::Size(v) => bytes.extend(v.to_ne_bytes()),
        Field::Bytes(text, size) => {
            // The last byte stays zero: names are C strings. Raw bytes of full length are kept whole.
            let kept = if text.len() > *size { size - 1 } else { text.len() };
            bytes.extend(&text[..kept]);
            bytes.resize(at + size, 0);
        }
    }
    at
}

/// cudaDeviceProp as a program of the given version expects it.
pub(crate) fn properties_bytes(facts: &Facts, version: CudaVersion) -> Vec<u8> {
    let bit = match version {
        CudaVersion::V11 => 0b001,
        CudaVersion::V12 => 0b010,
        CudaVersion::V13 => 0b100,
    };
    let mut bytes = Vec::with_capacity(1040);
    for (layouts, _, field) in fields(facts) {
        if layouts & bit != 0 {
            put(&mut bytes, &field);
        }
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// Attributes by number (cudaDeviceAttr) that are a field of cudaDeviceProp: number, field, index.
#[rustfmt::skip]
static FROM_PROPERTIES: &[(u32, &str, usize)] = &[
    (1, "maxThreadsPerBlock", 0), (2, "maxThreadsDim", 0), (3, "maxThreadsDim", 1), (4, "maxThreadsDim", 2),
    (5, "maxGridSize", 0), (6, "maxGridSize", 1), (7, "maxGridSize", 2), (8, "sharedMemPerBlock", 0),
    (9, "totalConstMem", 0), (10, "warpSize", 0), (11, "memPitch", 0), (12, "regsPerBlock", 0),
    (13, "clockRate", 0), (14, "textureAlignment", 0), (15, "deviceOverlap", 0), (16, "multiProcessorCount", 0),
    (17, "kernelExecTimeoutEnabled", 0), (18, "integrated", 0), (19, "canMapHostMemory", 0), (20, "computeMode", 0),
    (21, "maxTexture1D", 0), (22, "maxTexture2D", 0), (23, "maxTexture2D", 1), (24, "maxTexture3D", 0),
    (25, "maxTexture3D", 1), (26, "maxTexture3D", 2), (27, "maxTexture2DLayered", 0), (28, "maxTexture2DLayered", 1),
    (29, "maxTexture2DLayered", 2), (30, "surfaceAlignment", 0), (31, "concurrentKernels", 0), (32, "ECCEnabled", 0),
    (33, "pciBusID", 0), (34, "pciDeviceID", 0), (35, "tccDriver", 0), (36, "memoryClockRate", 0),
    (37, "memoryBusWidth", 0), (38, "l2CacheSize", 0), (39, "maxThreadsPerMultiProcessor", 0),
    (40, "asyncEngineCount", 0), (41, "unifiedAddressing", 0), (42, "maxTexture1DLayered", 0),
    (43, "maxTexture1DLayered", 1), (45, "maxTexture2DGather", 0), (46, "maxTexture2DGather", 1),
    (47, "maxTexture3DAlt", 0), (48, "maxTexture3DAlt", 1), (49, "maxTexture3DAlt", 2), (50, "pciDomainID", 0),
    (51, "texturePitchAlignment", 0), (52, "maxTextureCubemap", 0), (53, "maxTextureCubemapLayered", 0),
    (54, "maxTextureCubemapLayered", 1), (55, "maxSurface1D", 0), (56, "maxSurface2D", 0), (57, "maxSurface2D", 1),
    (58, "maxSurface3D", 0), (59, "maxSurface3D", 1), (60, "maxSurface3D", 2), (61, "maxSurface1DLayered", 0),
    (62, "maxSurface1DLayered", 1), (63, "maxSurface2DLayered", 0), (64, "maxSurface2DLayered", 1),
    (65, "maxSurface2DLayered", 2), (66, "maxSurfaceCubemap", 0), (67, "maxSurfaceCubemapLayered", 0),
    (68, "maxSurfaceCubemapLayered", 1), (69, "maxTexture1DLinear", 0), (70, "maxTexture2DLinear", 0),
    (71, "maxTexture2DLinear", 1), (72, "maxTexture2DLinear", 2), (73, "maxTexture2DMipmap", 0),
    (74, "maxTexture2DMipmap", 1), (75, "major", 0), (76, "minor", 0), (77, "maxTexture1DMipmap", 0),
    (78, "streamPrioritiesSupported", 0), (79, "globalL1CacheSupported", 0), (80, "localL1CacheSupported", 0),
    (81, "sharedMemPerMultiprocessor", 0), (82, "regsPerMultiprocessor", 0), (83, "managedMemory", 0),
    (84, "isMultiGpuBoard", 0), (85, "multiGpuBoardGroupID", 0), (86, "hostNativeAtomicSupported", 0),
    (87, "singleToDoublePrecisionPerfRatio", 0), (88, "pageableMemoryAccess", 0), (89, "concurrentManagedAccess", 0),
    (90, "computePreemptionSupported", 0), (91, "canUseHostPointerForRegisteredMem", 0), (95, "cooperativeLaunch", 0),
    (96, "cooperativeMultiDeviceLaunch", 0), (97, "sharedMemPerBlockOptin", 0), (99, "hostRegisterSupported", 0),
    (100, "pageableMemoryAccessUsesHostPageTables", 0), (101, "directManagedMemAccessFromHost", 0),
    (106, "maxBlocksPerMultiProcessor", 0), (108, "persistingL2CacheMaxSize", 0),
    (109, "accessPolicyMaxWindowSize", 0), (111, "reservedSharedMemPerBlock", 0),
    (112, "sparseCudaArraySupported", 0), (113, "hostRegisterReadOnlySupported", 0),
    (114, "timelineSemaphoreInteropSupported", 0), (115, "memoryPoolsSupported", 0),
    (116, "gpuDirectRDMASupported", 0), (117, "gpuDirectRDMAFlushWritesOptions", 0),
    (118, "gpuDirectRDMAWritesOrdering", 0), (119, "memoryPoolSupportedHandleTypes", 0), (120, "clusterLaunch", 0),
    (121, "deferredMappingCudaArraySupported", 0), (125, "ipcEventSupported", 0), (130, "deviceNumaConfig", 0),
    (131, "deviceNumaId", 0), (133, "mpsEnabled", 0), (134, "hostNumaId", 0), (139, "gpuPciDeviceID", 0),
    (140, "gpuPciSubsystemID", 0), (143, "hostNumaMultinodeIpcSupported", 0),
];

/// Attributes that no property has: number and value.
#[rustfmt::skip]
static OTHERS: &[(u32, i32)] = &[
    (92, 0), (93, 0), (94, 0), (98, 0), (122, 0), (123, 0), (124, 0), (126, 1), (127, 0), (128, 0), (129, 0),
    (132, 0), (135, 0), (138, 0), (141, 0), (142, 0), (144, 0), (145, 0), (147, 0), (148, 0), (149, 0), (150, 0),
    (151, 0), (157, 0), (160, 0),
];

/// The value of a cudaDeviceAttr; `None` for a number that is none.
pub fn attribute(facts: &Facts, number: u32) -> Option<i32> {
    if let Some((_, value)) = OTHERS.iter().find(|(n, _)| *n == number) {
        return Some(*value);
    }
    let (_, name, index) = FROM_PROPERTIES.iter().find(|(n, ..)| *n == number)?;
    let list = fields(facts);
    let (_, _, field) = list.iter().find(|(_, n, _)| n == name)?;
    Some(match field {
        Field::Int(v) => *v as i32,
        Field::Ints(list) => *list.get(*index)? as i32,
        Field::Triple(list) => *list.get(*index)? as i32,
        Field::Size(v) => i32::try_from(*v).unwrap_or(i32::MAX),
        Field::Bytes(..) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(version: u8, name: &str) -> usize {
        let mut bytes = Vec::new();
        for (layouts, n, field) in fields(&Facts::default()) {
            if layouts & version != 0 {
                let at = put(&mut bytes, &field);
                if n == name {
                    return at;
                }
            }
        }
        panic!("no field {name}");
    }

    /// Sizes and offsets as a C compiler gives them for the headers of CUDA 11.8, 12.9 and 13.3.
    #[test]
    fn layouts_are_those_of_the_headers() {
        let facts = Facts::default();
        assert_eq!(properties_bytes(&facts, CudaVersion::V11).len(), 728);
        assert_eq!(properties_bytes(&facts, CudaVersion::V12).len(), 1032);
        assert_eq!(properties_bytes(&facts, CudaVersion::V13).len(), 1008);
        assert_eq!(offset(0b100, "luid"), 272);
        assert_eq!(offset(0b100, "l2CacheSize"), 596);
        assert_eq!(offset(0b100, "sharedMemPerMultiprocessor"), 624);
        assert_eq!(offset(0b100, "gpuDirectRDMASupported"), 724);
        assert_eq!(offset(0b100, "reserved"), 784);
    }

    #[test]
    fn every_attribute_has_its_field() {
        let facts = Facts::default();
        for (number, name, _) in FROM_PROPERTIES {
            assert!(attribute(&facts, *number).is_some(), "{number} {name}");
        }
        assert_eq!(attribute(&facts, 75), Some(7));
        assert_eq!(attribute(&facts, 6), Some(65535));
        assert_eq!(attribute(&facts, 44), None);
        assert_eq!(attribute(&facts, 9999), None);
    }

    #[test]
    fn a_long_name_stays_a_string() {
        let facts = Facts {
            name: "x".repeat(400),
            ..Facts::default()
        };
        let bytes = properties_bytes(&facts, CudaVersion::V13);
        assert_eq!(bytes[254], b'x');
        assert_eq!(bytes[255], 0);
    }
}
