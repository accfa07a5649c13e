//! Fat binaries built by hand, as nvcc would put them into a program.
#![allow(dead_code)] // each test binary uses its part

/// The wrapper that is passed to `__cudaRegisterFatBinary`, with the container it points to.
#[repr(C)]
pub struct Wrapper {
    magic: u32,
    version: u32,
    container: *const u8,
    /// Null, or the list of containers of version 2.
    list: *const u8,
}

/// A container with one uncompressed entry, which lives as long as the process, as in a program.
fn container(kind: u16, arch: u32, payload: &[u8]) -> *const u8 {
    let padded = payload.len().next_multiple_of(8);
    let mut bytes = Vec::new();
    bytes.extend(0xba55_ed50u32.to_le_bytes());
    bytes.extend([1, 0, 16, 0]);
    bytes.extend((64 + padded as u64).to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes.extend(0x101u16.to_le_bytes());
    bytes.extend(64u32.to_le_bytes());
    bytes.extend((padded as u64).to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend([8, 0, 7, 0]);
    bytes.extend(arch.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(0x11u64.to_le_bytes());
    bytes.extend([0; 16]);
    bytes.extend(payload);
    bytes.resize(16 + 64 + padded, 0);
    bytes.leak().as_ptr()
}

/// A fat binary with one entry.
pub fn fat_binary(kind: u16, arch: u32, payload: &[u8]) -> *const Wrapper {
    let container = container(kind, arch, payload);
    Box::leak(Box::new(Wrapper {
        magic: 0x4662_43b1,
        version: 1,
        container,
        list: std::ptr::null(),
    }))
}

/// A fat binary as `nvcc -rdc=true` links it: no code of its own, and one container for each source file.
pub fn linked_binary(texts: &[&str]) -> *const Wrapper {
    let mut list: Vec<*const u8> = texts.iter().map(|t| container(1, 75, t.as_bytes())).collect();
    list.push(std::ptr::null());
    let container = container(2, 75, b"machine code of the linker");
    let list = list.leak().as_ptr().cast();
    Box::leak(Box::new(Wrapper {
        magic: 0x4662_43b1,
        version: 2,
        container,
        list,
    }))
}

/// One with PTX.
pub fn ptx_binary(text: &str) -> *const Wrapper {
    fat_binary(1, 75, text.as_bytes())
}

/// The head of a module.
pub const HEAD: &str = ".version 7.0\n.target sm_75\n.address_size 64\n";

/// A kernel `NAME(float *data, float *unused)` in which thread i does `data[i] = data[i] OP VALUE`.
pub fn elementwise(name: &str, op: &str, value: f32) -> String {
    let bits = value.to_bits();
    format!(
        ".visible .entry {name}(.param .u64 {name}_param_0)\n{{\n\
         .reg .b32 %r<3>;\n.reg .b64 %rd<5>;\n.reg .f32 %f<3>;\n\
         ld.param.u64 %rd1, [{name}_param_0];\ncvta.to.global.u64 %rd2, %rd1;\nmov.u32 %r1, %tid.x;\n\
         mul.wide.u32 %rd3, %r1, 4;\nadd.s64 %rd4, %rd2, %rd3;\nld.global.f32 %f1, [%rd4];\n\
         {op} %f2, %f1, 0f{bits:08X};\nst.global.f32 [%rd4], %f2;\nret;\n}}\n"
    )
}

/// A kernel `NAME(float *data)` in which thread i does `data[i] = data[i] * VARIABLE`.
pub fn times_variable(name: &str, variable: &str) -> String {
    elementwise(name, "mul.f32", 1.0).replace(
        "mul.f32 %f2, %f1, 0f3F800000;",
        &format!("ld.global.f32 %f2, [{variable}];\nmul.f32 %f2, %f1, %f2;"),
    )
}
