//! C types of the CUDA runtime, as the headers of CUDA 11 to 13 lay them out. Handles are addresses that the
//! program never looks behind.

use std::ffi::{c_int, c_uint, c_void};

/// `cudaError_t`.
pub type Error = u32;
/// `cudaStream_t`, `cudaEvent_t`, `cudaMemPool_t`: numbers in a pointer's place.
pub type Opaque = usize;
/// Pointer to memory of the program or the device.
pub type Pointer = *mut c_void;
/// `cudaHostFn_t`. It may be C++ and throw.
pub type HostFunction = Option<unsafe extern "C-unwind" fn(*mut c_void)>;
/// `cudaStreamCallback_t`. It may be C++ and throw.
pub type StreamCallback = Option<unsafe extern "C-unwind" fn(Opaque, Error, *mut c_void)>;

/// `dim3`, passed by value.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim3 {
    pub x: u32,
    pub y: u32,
    pub z: u32,
}

/// `cudaChannelFormatDesc`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelFormat {
    pub x: c_int,
    pub y: c_int,
    pub z: c_int,
    pub w: c_int,
    pub kind: c_uint,
}

/// `cudaPitchedPtr`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PitchedPtr {
    pub ptr: usize,
    pub pitch: usize,
    pub xsize: usize,
    pub ysize: usize,
}

/// `cudaExtent`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    pub width: usize,
    pub height: usize,
    pub depth: usize,
}

/// `cudaPos`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pos {
    pub x: usize,
    pub y: usize,
    pub z: usize,
}

/// `cudaMemcpy3DParms`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Memcpy3D {
    pub src_array: usize,
    pub src_pos: Pos,
    pub src: PitchedPtr,
    pub dst_array: usize,
    pub dst_pos: Pos,
    pub dst: PitchedPtr,
    pub extent: Extent,
    pub kind: c_uint,
}

/// `cudaMemcpy3DPeerParms`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Memcpy3DPeer {
    pub src_array: usize,
    pub src_pos: Pos,
    pub src: PitchedPtr,
    pub src_device: c_int,
    pub dst_array: usize,
    pub dst_pos: Pos,
    pub dst: PitchedPtr,
    pub dst_device: c_int,
    pub extent: Extent,
}

/// `cudaLaunchConfig_t`.
#[repr(C)]
pub struct LaunchConfig {
    pub grid: Dim3,
    pub block: Dim3,
    pub dynamic_shared: usize,
    pub stream: Opaque,
    pub attributes: *const LaunchAttribute,
    pub count: c_uint,
}

/// `cudaLaunchAttribute`: a number, padding to 8, and a value of 64 bytes.
#[repr(C)]
pub struct LaunchAttribute {
    pub id: c_uint,
    pad: c_uint,
    pub value: [u32; 16],
}

/// The part of `cudaFuncAttributes` that every version has; CUDA 12 and 13 have 22 more ints.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FuncAttributes {
    pub shared: usize,
    pub constant: usize,
    pub local: usize,
    pub max_threads: c_int,
    pub registers: c_int,
    pub ptx_version: c_int,
    pub binary_version: c_int,
    pub cache_mode_ca: c_int,
    pub max_dynamic_shared: c_int,
    pub carveout: c_int,
}

/// `cudaFuncAttributes` of CUDA 12 and 13.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FuncAttributes12 {
    pub base: FuncAttributes,
    pub cluster_and_reserved: [c_int; 22],
}

/// `cudaPointerAttributes` of CUDA 11 and 12.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointerAttributes {
    pub kind: c_uint,
    pub device: c_int,
    pub device_pointer: usize,
    pub host_pointer: usize,
}

/// `cudaPointerAttributes` of CUDA 13.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointerAttributes13 {
    pub base: PointerAttributes,
    pub reserved: [u64; 8],
}

// Sizes that a C compiler gives for the headers of CUDA 11.8, 12.9 and 13.3.
const _: () = {
    assert!(size_of::<Dim3>() == 12);
    assert!(size_of::<Memcpy3D>() == 160);
    assert!(size_of::<LaunchConfig>() == 56);
    assert!(size_of::<LaunchAttribute>() == 72);
    assert!(size_of::<FuncAttributes>() == 56);
    assert!(size_of::<FuncAttributes12>() == 144);
    assert!(size_of::<PointerAttributes>() == 24);
    assert!(size_of::<PointerAttributes13>() == 88);
};
