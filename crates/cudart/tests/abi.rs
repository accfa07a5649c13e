//! The C entry points called as a program calls them: registration, launches of both styles, symbols, errors,
//! structures. All tests share the one runtime of the process, so they take turns.

#[path = "../../gpu/tests/common/mod.rs"]
mod common;

use common::{HEAD, elementwise, fat_binary, ptx_binary, times_variable};
use cudart::abi::{Dim3, Extent, FuncAttributes12, LaunchAttribute, LaunchConfig, Memcpy3D, PitchedPtr, Pos};
use cudart::*;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

const ONE: Dim3 = Dim3 { x: 1, y: 1, z: 1 };
const FOUR: Dim3 = Dim3 { x: 4, y: 1, z: 1 };
const H2D: u32 = 1;
const D2H: u32 = 2;
const D2D: u32 = 3;

/// Host addresses that stand for kernels and variables, as nvcc's stubs do.
static HOST: [u8; 16] = [0; 16];

fn host(i: usize) -> usize {
    HOST.as_ptr() as usize + i
}

/// One test at a time, with the settings of all of them.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    static SETTINGS: Once = Once::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    SETTINGS.call_once(|| {
        // SAFETY: tests hold the turn whenever they touch the environment or the library, which reads it.
        unsafe { std::env::set_var("VERNIER_PTX_OUT", "none") };
    });
    cudaGetLastError();
    turn
}

/// Registers a module as nvcc's code does; kernel i gets host(first + i), variable i host(first + 8 + i).
fn register(ptx: &str, first: usize, kernels: &[&str], variables: &[&str]) -> *mut *mut c_void {
    let wrapper = ptx_binary(ptx) as *mut c_void;
    // SAFETY: what nvcc's code passes.
    unsafe {
        let module = __cudaRegisterFatBinary(wrapper);
        for (i, name) in kernels.iter().enumerate() {
            let name = CString::new(*name).unwrap();
            let none = std::ptr::null_mut();
            let (stub, device) = (host(first + i) as *const c_char, name.as_ptr().cast_mut());
            let nothing: *mut Dim3 = std::ptr::null_mut();
            __cudaRegisterFunction(
                module,
                stub,
                device,
                name.as_ptr(),
                -1,
                nothing,
                nothing,
                nothing,
                nothing,
                none,
            );
        }
        for (i, name) in variables.iter().enumerate() {
            let name = CString::new(*name).unwrap();
            let shadow = host(first + 8 + i) as *mut c_char;
            __cudaRegisterVar(
                module,
                shadow,
                name.as_ptr().cast_mut(),
                name.as_ptr(),
                0,
                4,
                0,
                0,
            );
        }
        __cudaRegisterFatBinaryEnd(module);
        module
    }
}

fn device(values: &[f32]) -> usize {
    let mut address = 0;
    // SAFETY: the pointers are valid for the sizes given.
    unsafe {
        assert_eq!(cudaMalloc(&mut address, size_of_val(values)), 0);
        assert_eq!(
            cudaMemcpy(address, values.as_ptr() as usize, size_of_val(values), H2D),
            0
        );
    }
    address
}

fn back<const N: usize>(address: usize) -> [f32; N] {
    let mut values = [0f32; N];
    // SAFETY: as above.
    assert_eq!(
        unsafe { cudaMemcpy(values.as_mut_ptr() as usize, address, 4 * N, D2H) },
        0
    );
    values
}

/// `kernel<<<grid, block, shared, stream>>>(data)` as CUDA 12 and later compile it.
fn launch(kernel: usize, grid: Dim3, block: Dim3, shared: usize, stream: usize, data: usize) -> u32 {
    let mut handle = 0;
    let (mut g, mut b, mut s, mut on) = (ONE, ONE, 0, 0);
    let mut data = data;
    let mut args = [(&raw mut data).cast::<c_void>()];
    // SAFETY: as compiled code.
    unsafe {
        assert_eq!(__cudaPushCallConfiguration(grid, block, shared, stream), 0);
        assert_eq!(__cudaGetKernel(&mut handle, kernel), 0);
        assert_eq!(__cudaPopCallConfiguration(&mut g, &mut b, &mut s, &mut on), 0);
        assert_eq!((g, b, s, on), (grid, block, shared, stream));
        __cudaLaunchKernel(handle, g, b, args.as_mut_ptr(), s, on)
    }
}

#[test]
fn launches_of_all_styles() {
    let _turn = turn();
    let module = register(
        &format!("{HEAD}{}", elementwise("twice", "mul.f32", 2.0)),
        0,
        &["twice"],
        &[],
    );
    let mut data = device(&[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(launch(host(0), ONE, FOUR, 0, 0, data), 0);
    let mut args = [(&raw mut data).cast::<c_void>()];
    let mut attribute: LaunchAttribute = unsafe { std::mem::zeroed() };
    attribute.id = 2;
    attribute.value[0] = 1;
    let config = LaunchConfig {
        grid: ONE,
        block: FOUR,
        dynamic_shared: 0,
        stream: 0,
        attributes: &attribute,
        count: 1,
    };
    // SAFETY: as compiled code.
    unsafe {
        assert_eq!(cudaLaunchKernel(host(0), ONE, FOUR, args.as_mut_ptr(), 0, 0), 0);
        assert_eq!(
            cudaLaunchKernel_ptsz(host(0), ONE, FOUR, args.as_mut_ptr(), 0, 2),
            0
        );
        assert_eq!(
            cudaLaunchCooperativeKernel(host(0), ONE, FOUR, args.as_mut_ptr(), 0, 0),
            0
        );
        assert_eq!(cudaLaunchKernelExC(&config, host(0), args.as_mut_ptr()), 0);
        assert_eq!(cudaDeviceSynchronize(), 0);
    }
    assert_eq!(back::<4>(data), [32.0, 64.0, 96.0, 128.0]);
    // SAFETY: as compiled code.
    unsafe {
        let mut count = 0;
        assert_eq!(cudaFuncGetParamCount(host(0), &mut count), 0);
        assert_eq!(count, 1);
        let mut name = std::ptr::null();
        assert_eq!(cudaFuncGetName(&mut name, host(0)), 0);
        assert_eq!(CStr::from_ptr(name).to_str().unwrap(), "twice");
        let mut attributes = FuncAttributes12::default();
        assert_eq!(cudaFuncGetAttributes((&raw mut attributes).cast(), host(0)), 0);
        // `.target sm_75` of a module of PTX ISA 7.0.
        let base = attributes.base;
        assert_eq!((base.ptx_version, base.binary_version), (75, 75));
        assert_eq!(cudaFree(data), 0);
        __cudaUnregisterFatBinary(module);
        assert_eq!(cudaLaunchKernel(host(0), ONE, FOUR, args.as_mut_ptr(), 0, 0), 98);
    }
}

#[test]
fn bad_launches_say_what_is_wrong_and_leave_no_trace() {
    let _turn = turn();
    let module = register(
        &format!("{HEAD}{}", elementwise("k", "add.f32", 1.0)),
        0,
        &["k", "ghost"],
        &[],
    );
    let data = device(&[0.0; 4]);
    let big = Dim3 { x: 2000, y: 1, z: 1 };
    assert_eq!(launch(host(0), ONE, big, 0, 0, data), 9);
    assert_eq!(cudaPeekAtLastError(), 9);
    assert_eq!(cudaGetLastError(), 9);
    assert_eq!(cudaGetLastError(), 0);
    assert_eq!(launch(host(0), Dim3 { x: 0, ..ONE }, ONE, 0, 0, data), 9);
    assert_eq!(launch(host(0), ONE, ONE, 10_000_000, 0, data), 1);
    assert_eq!(launch(host(0), ONE, ONE, 0, 0xdead, data), 400);
    assert_eq!(launch(host(1), ONE, ONE, 0, 0, data), 98);
    assert_eq!(launch(host(7), ONE, ONE, 0, 0, data), 98);
    assert_eq!(back::<4>(data), [0.0; 4]);
    let (mut g, mut b, mut s, mut on) = (ONE, ONE, 0, 0);
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(__cudaPopCallConfiguration(&mut g, &mut b, &mut s, &mut on), 52);
        cudaFree(data);
        __cudaUnregisterFatBinary(module);
    }
}

#[test]
fn a_trap_is_reported_once_by_the_next_synchronising_call() {
    let _turn = turn();
    let module = register(
        &format!("{HEAD}{}", elementwise("k", "add.f32", 1.0)),
        0,
        &["k"],
        &[],
    );
    let data = device(&[0.0; 4]);
    // One thread beyond the end of the allocation.
    let five = Dim3 { x: 5, y: 1, z: 1 };
    assert_eq!(launch(host(0), ONE, five, 0, 0, data), 0);
    // SAFETY: no pointers.
    unsafe {
        assert_eq!(cudaDeviceSynchronize(), 700);
        assert_eq!(cudaGetLastError(), 700);
        assert_eq!(cudaDeviceSynchronize(), 0);
    }
    assert_eq!(launch(host(0), ONE, FOUR, 0, 0, 0), 0);
    let mut out = [0f32; 4];
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(cudaMemcpy(out.as_mut_ptr() as usize, data, 16, D2H), 700);
        assert_eq!(cudaMemcpy(out.as_mut_ptr() as usize, data, 16, D2H), 0);
        assert_eq!(launch(host(0), ONE, ONE, 0, 0, data + 2), 0);
        assert_eq!(cudaStreamSynchronize(0), 716);
        cudaFree(data);
        __cudaUnregisterFatBinary(module);
    }
}

#[test]
fn an_endless_kernel_ends_when_its_budget_is_used_up() {
    let _turn = turn();
    let ptx = format!("{HEAD}.visible .entry k(.param .u64 p)\n{{\n$again:\nbra $again;\n}}\n");
    let module = register(&ptx, 0, &["k"], &[]);
    // SAFETY: the test holds the turn.
    unsafe { std::env::set_var("VERNIER_MAX_INSTRUCTIONS", "1000") };
    assert_eq!(launch(host(0), ONE, FOUR, 0, 0, 0), 0);
    // SAFETY: as compiled code; the test holds the turn.
    unsafe {
        assert_eq!(cudaDeviceSynchronize(), 702);
        std::env::set_var("VERNIER_MAX_INSTRUCTIONS", "-1");
        assert_eq!(launch(host(0), ONE, FOUR, 0, 0, 0), 1);
        std::env::remove_var("VERNIER_MAX_INSTRUCTIONS");
        __cudaUnregisterFatBinary(module);
    }
}

#[test]
fn threads_launch_side_by_side_and_keep_their_own_last_error() {
    let _turn = turn();
    let module = register(
        &format!("{HEAD}{}", elementwise("k", "add.f32", 1.0)),
        0,
        &["k"],
        &[],
    );
    std::thread::scope(|scope| {
        for i in 0..4 {
            scope.spawn(move || {
                let data = device(&[i as f32; 4]);
                for _ in 0..50 {
                    assert_eq!(launch(host(0), ONE, FOUR, 0, 2, data), 0);
                }
                assert_eq!(back::<4>(data), [i as f32 + 50.0; 4]);
                assert_eq!(cudaGetLastError(), 0);
                // SAFETY: no pointers but the allocation.
                unsafe {
                    assert_eq!(cudaSetDevice(i + 1), 101);
                    assert_eq!(cudaGetLastError(), 101);
                    cudaFree(data);
                }
            });
        }
    });
    assert_eq!(cudaGetLastError(), 0);
    __cudaUnregisterFatBinary(module);
}

#[test]
fn formats_are_read_at_every_launch() {
    let _turn = turn();
    let ptx = format!("{HEAD}{}", elementwise("k", "add.vf32", 0.0));
    let module = register(&ptx, 0, &["k"], &[]);
    let set = |pairs: &[(&str, &str)]| {
        for (name, value) in pairs {
            // SAFETY: the test holds the turn.
            unsafe { std::env::set_var(name, value) };
        }
    };
    let data = device(&[1.0625, 1.5, -3.140625, 100.0]);
    assert_eq!(launch(host(0), ONE, FOUR, 0, 0, data), 0);
    assert_eq!(back::<4>(data), [1.0625, 1.5, -3.140625, 100.0]);
    set(&[
        ("VF_SIGNIFICAND", "3"),
        ("VF_EXPONENT_MIN", "-15"),
        ("VF_EXPONENT_MAX", "16"),
    ]);
    assert_eq!(launch(host(0), ONE, FOUR, 0, 0, data), 0);
    assert_eq!(back::<4>(data), [1.0, 1.5, -3.0, 96.0]);
    set(&[("VF_SIGNIFICAND", "many")]);
    assert_eq!(launch(host(0), ONE, FOUR, 0, 0, data), 1);
    for name in ["VF_SIGNIFICAND", "VF_EXPONENT_MIN", "VF_EXPONENT_MAX"] {
        // SAFETY: the test holds the turn.
        unsafe { std::env::remove_var(name) };
    }
    // SAFETY: as compiled code.
    unsafe {
        cudaFree(data);
        __cudaUnregisterFatBinary(module);
    }
}

#[test]
fn symbols_are_copied_and_bounded() {
    let _turn = turn();
    let ptx = format!(
        "{HEAD}.global .align 4 .f32 factor = 0f40000000;\n{}",
        times_variable("k", "factor")
    );
    let module = register(&ptx, 0, &["k"], &["factor"]);
    let (symbol, seven, mut read) = (host(8), 7f32, 0f32);
    let (mut address, mut size) = (0, 0);
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(
            cudaMemcpyFromSymbol((&raw mut read) as usize, symbol, 4, 0, D2H),
            0
        );
        assert_eq!(read, 2.0);
        assert_eq!(
            cudaMemcpyToSymbol(symbol, (&raw const seven) as usize, 4, 0, H2D),
            0
        );
        assert_eq!(cudaGetSymbolSize(&mut size, symbol), 0);
        assert_eq!(cudaGetSymbolAddress(&mut address, symbol), 0);
        assert_eq!(size, 4);
        assert_eq!(
            cudaMemcpyToSymbol(symbol, (&raw const seven) as usize, 4, 1, H2D),
            1
        );
        assert_eq!(cudaGetSymbolSize(&mut size, host(15)), 13);
        let data = device(&[1.0; 4]);
        assert_eq!(launch(host(0), ONE, FOUR, 0, 0, data), 0);
        assert_eq!(back::<4>(data), [7.0; 4]);
        cudaFree(data);
        __cudaUnregisterFatBinary(module);
    }
}

#[test]
fn managed_variables_get_their_address() {
    let _turn = turn();
    let ptx = format!(
        "{HEAD}.global .attribute(.managed) .align 4 .f32 factor = 0f40400000;\n{}",
        times_variable("k", "factor")
    );
    let module = register(&ptx, 0, &["k"], &[]);
    let mut slot: *mut c_void = std::ptr::null_mut();
    let name = c"factor".as_ptr();
    // SAFETY: as compiled code; the slot lives until the module is unregistered.
    unsafe {
        __cudaRegisterManagedVar(module, &mut slot, name.cast_mut(), name, 0, 4, 0, 0);
        assert_eq!(__cudaInitModule(module), 1);
        assert_eq!(slot.cast::<f32>().read(), 3.0);
        slot.cast::<f32>().write(4.0);
        let data = device(&[1.0; 4]);
        assert_eq!(launch(host(0), ONE, FOUR, 0, 0, data), 0);
        assert_eq!(back::<4>(data), [4.0; 4]);
        let mut size = 0;
        assert_eq!(cudaGetSymbolSize(&mut size, slot as usize), 0);
        assert_eq!(size, 4);
        cudaFree(data);
        __cudaUnregisterFatBinary(module);
    }
}

#[test]
fn modules_without_usable_ptx_fail_when_used() {
    let _turn = turn();
    let broken = register(
        &format!("{HEAD}{}", elementwise("k", "ad.f32", 1.0)),
        0,
        &["k"],
        &[],
    );
    assert_eq!(launch(host(0), ONE, ONE, 0, 0, 0), 218);
    // SAFETY: as compiled code.
    unsafe {
        __cudaUnregisterFatBinary(broken);
        let module = __cudaRegisterFatBinary(fat_binary(2, 75, b"\x7fELF machine code") as *mut c_void);
        let (none, nothing): (_, *mut Dim3) = (std::ptr::null_mut(), std::ptr::null_mut());
        let name = c"k".as_ptr();
        let stub = host(0) as *const c_char;
        __cudaRegisterFunction(
            module,
            stub,
            name.cast_mut(),
            name,
            -1,
            nothing,
            nothing,
            nothing,
            nothing,
            none,
        );
        let mut slot: *mut c_void = std::ptr::null_mut();
        __cudaRegisterManagedVar(module, &mut slot, name.cast_mut(), name, 0, 8, 0, 0);
        assert_eq!(launch(host(0), ONE, ONE, 0, 0, 0), 209);
        // The program reads managed variables without asking.
        assert_eq!(__cudaInitModule(module), 0);
        assert_eq!(slot.cast::<u64>().read(), 0);
        __cudaUnregisterFatBinary(module);
    }
}

#[test]
fn copies_in_rows_and_slices() {
    let _turn = turn();
    let rows: Vec<u8> = (0..24).collect();
    let (mut address, mut pitch) = (0, 0);
    let mut out = [0u8; 24];
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(cudaMallocPitch(&mut address, &mut pitch, 6, 4), 0);
        assert_eq!(pitch % 512, 0);
        assert_eq!(cudaMemset2D(address, pitch, 0xee, 6, 4), 0);
        assert_eq!(
            cudaMemcpy2D(address, pitch, rows.as_ptr() as usize, 6, 6, 3, H2D),
            0
        );
        assert_eq!(
            cudaMemcpy2D(out.as_mut_ptr() as usize, 6, address, pitch, 6, 4, D2H),
            0
        );
        assert_eq!(out[..18], rows[..18]);
        assert_eq!(out[18..], [0xee; 6]);
        assert_eq!(
            cudaMemcpy2D(address, pitch, rows.as_ptr() as usize, 5, 6, 3, H2D),
            12
        );
        assert_eq!(
            cudaMemcpy2D(address, pitch, rows.as_ptr() as usize, 6, 6, 5, H2D),
            1
        );
        cudaFree(address);

        let mut cube = PitchedPtr {
            ptr: 0,
            pitch: 0,
            xsize: 0,
            ysize: 0,
        };
        let extent = Extent {
            width: 3,
            height: 2,
            depth: 4,
        };
        assert_eq!(cudaMalloc3D(&mut cube, extent), 0);
        let zero = Pos { x: 0, y: 0, z: 0 };
        let mut copy = Memcpy3D {
            src_array: 0,
            src_pos: zero,
            src: PitchedPtr {
                ptr: rows.as_ptr() as usize,
                pitch: 3,
                xsize: 3,
                ysize: 2,
            },
            dst_array: 0,
            dst_pos: zero,
            dst: cube,
            extent,
            kind: H2D,
        };
        assert_eq!(cudaMemcpy3D(&copy), 0);
        let mut part = [0u8; 4];
        copy.src = cube;
        copy.src_pos = Pos { x: 1, y: 0, z: 2 };
        copy.dst = PitchedPtr {
            ptr: part.as_mut_ptr() as usize,
            pitch: 2,
            xsize: 2,
            ysize: 2,
        };
        copy.extent = Extent {
            width: 2,
            height: 2,
            depth: 1,
        };
        copy.kind = D2H;
        assert_eq!(cudaMemcpy3D(&copy), 0);
        assert_eq!(part, [13, 14, 16, 17]);
        copy.src_array = 1;
        assert_eq!(cudaMemcpy3D(&copy), 801);
        cudaFree(cube.ptr);
    }
}

/// A kernel `k(long *p)`: p[0] = 1; 300,000 times p[2][0] = 7; p[1] = 1.
const SLOW: &str = ".visible .entry k(.param .u64 p)\n{\n\
    .reg .b64 %rd<4>;\n.reg .b32 %r<3>;\n.reg .pred %q;\n\
    ld.param.u64 %rd1, [p];\nld.global.u64 %rd2, [%rd1+16];\nst.volatile.global.u64 [%rd1], 1;\n\
    mov.u32 %r1, 0;\n$again:\nst.volatile.global.u32 [%rd2], 7;\nadd.u32 %r1, %r1, 1;\n\
    setp.lt.u32 %q, %r1, 300000;\n@%q bra $again;\nst.volatile.global.u64 [%rd1+8], 1;\nret;\n}\n";

#[test]
fn memory_is_given_back_when_the_kernel_that_uses_it_has_ended() {
    let _turn = turn();
    let module = register(&format!("{HEAD}{SLOW}"), 0, &["k"], &[]);
    // What is used, and who gives it back.
    let mut own = vec![0u32; 1024];
    let own = own.as_mut_ptr() as usize;
    let (mut device, mut managed, mut pinned, mut flags) = (0, 0, 0, 0);
    // SAFETY: valid pointers; the flags are read while the kernel writes them, as volatile.
    unsafe {
        assert_eq!(cudaMallocHost(&mut flags, 24), 0);
        assert_eq!(cudaMalloc(&mut device, 4096), 0);
        assert_eq!(cudaMallocManaged(&mut managed, 4096, 1), 0);
        assert_eq!(cudaMallocHost(&mut pinned, 4096), 0);
        assert_eq!(cudaHostRegister(own, 4096, 0), 0);
        let flag = |i: usize| (flags as *mut u64).add(i);
        let give_back: [(usize, &dyn Fn(usize) -> u32); 6] = [
            (device, &|p| cudaFree(p)),
            (managed, &|p| cudaFreeAsync(p, 0)),
            (pinned, &|p| cudaFreeHost(p)),
            (own, &|p| cudaHostUnregister(p)),
            (flags + 16, &|_| cudaDeviceSynchronize()),
            (flags + 16, &|_| cudaDeviceReset()),
        ];
        for (i, (used, give_back)) in give_back.into_iter().enumerate() {
            flag(0).write_volatile(0);
            flag(1).write_volatile(0);
            flag(2).write_volatile(used as u64);
            std::thread::scope(|scope| {
                let running = scope.spawn(|| launch(host(0), ONE, ONE, 0, 2, flags));
                while flag(0).read_volatile() == 0 && !running.is_finished() {
                    std::hint::spin_loop();
                }
                let ended_before = flag(1).read_volatile();
                assert_eq!(give_back(used), 0, "{i}");
                // Freed device memory, the flags of a reset device too, reads as zero: nobody writes it any more.
                let expected = u64::from(i != 5);
                assert_eq!((ended_before, flag(1).read_volatile()), (0, expected), "{i}");
                assert_eq!(running.join().unwrap(), 0, "{i}");
            });
            if i < 3 {
                assert_eq!((used as *const u32).read_volatile(), 0, "{i}");
            }
        }
        __cudaUnregisterFatBinary(module);
    }
}

#[test]
fn only_mapped_and_writable_memory_is_registered() {
    let _turn = turn();
    let page = 4096;
    // SAFETY: a mapping of three pages of which the second loses its rights and the third goes.
    unsafe {
        let none = std::ptr::null_mut();
        let (rights, how) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        );
        let start = libc::mmap(none, 3 * page, rights, how, -1, 0);
        assert_ne!(start, libc::MAP_FAILED);
        libc::mprotect(start.byte_add(page), page, libc::PROT_READ);
        libc::munmap(start.byte_add(2 * page), page);
        let at = start as usize;
        for (address, size, flags, code) in [
            (at, page, 0, 0),
            (at, page, 0, 712),
            (at, page + 1, 0, 1),
            (at + page, 4, 0, 1),
            (at + 2 * page, 4, 0, 1),
            (usize::MAX - 3, 8, 0, 1),
            (at, 0, 0, 1),
            (0, 4, 0, 1),
            (at, page, 16, 1),
            (at, page, 8, 801),
        ] {
            assert_eq!(
                cudaHostRegister(address, size, flags),
                code,
                "{address:#x} {size} {flags}"
            );
        }
        let mut device = 0;
        assert_eq!(cudaMalloc(&mut device, 4096), 0);
        assert_eq!(cudaFree(device), 0);
        assert_eq!(cudaHostRegister(device, 4096, 0), 1);
        assert_eq!(cudaHostUnregister(at), 0);
        assert_eq!(cudaHostUnregister(at), 713);
        libc::munmap(start, 2 * page);
    }
}

#[test]
fn memory_calls_refuse_what_cuda_refuses() {
    let _turn = turn();
    let (mut a, mut p) = (0, 0);
    let mut value = 5u32;
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(cudaMalloc(&mut a, 1 << 60), 2);
        assert_eq!(cudaGetLastError(), 2);
        assert_eq!(cudaMalloc(std::ptr::null_mut(), 16), 1);
        assert_eq!(cudaMalloc(&mut a, 0), 0);
        assert_eq!(a, 0);
        assert_eq!(cudaMalloc(&mut a, 16), 0);
        assert_eq!(cudaMallocHost(&mut p, 16), 0);
        assert_eq!(cudaMemcpy(a, 0, 4, H2D), 1);
        assert_eq!(cudaMemcpy(a, (&raw const value) as usize, 4, 9), 21);
        assert_eq!(cudaMemcpy(a + 14, (&raw const value) as usize, 4, H2D), 1);
        assert_eq!(cudaMemcpy((&raw mut value) as usize, a, 4, D2D), 1);
        assert_eq!(cudaMemcpy((&raw mut value) as usize, a, 4, 4), 0);
        assert_eq!(value, 0);
        assert_eq!(cudaMemset(a, 1, 17), 1);
        assert_eq!(cudaFree(p), 1);
        assert_eq!(cudaFree(a + 4), 1);
        assert_eq!(cudaFreeHost(a), 1);
        assert_eq!(cudaFreeHost(p), 0);
        assert_eq!(cudaFree(a), 0);
        assert_eq!(cudaFree(a), 1);
        assert_eq!(cudaFree(0), 0);
        let address = (&raw mut value) as usize;
        assert_eq!(cudaHostRegister(address, 4, 0), 0);
        assert_eq!(cudaHostRegister(address, 4, 0), 712);
        assert_eq!(cudaHostGetDevicePointer(&mut p, address, 0), 0);
        assert_eq!(p, address);
        assert_eq!(cudaHostUnregister(address), 0);
        assert_eq!(cudaHostUnregister(address), 713);
    }
}

#[test]
fn streams_and_events() {
    let _turn = turn();
    let (mut stream, mut a, mut b, mut silent, mut ms) = (0, 0, 0, 0, -1f32);
    unsafe extern "C-unwind" fn count(data: *mut c_void) {
        // SAFETY: the test passes a counter.
        unsafe { *data.cast::<u32>() += 1 };
    }
    unsafe extern "C-unwind" fn called(_stream: usize, status: u32, data: *mut c_void) {
        assert_eq!(status, 0);
        // SAFETY: as above.
        unsafe { count(data) };
    }
    let mut calls = 0u32;
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(cudaStreamCreateWithFlags(&mut stream, 1), 0);
        assert_eq!(cudaStreamCreateWithFlags(&mut stream, 8), 1);
        let (mut flags, mut priority) = (0, 0);
        assert_eq!(cudaStreamCreateWithPriority(&mut stream, 1, -99), 0);
        assert_eq!(cudaStreamGetFlags(stream, &mut flags), 0);
        assert_eq!(cudaStreamGetPriority(stream, &mut priority), 0);
        assert_eq!((flags, priority), (1, -5));
        assert_eq!(cudaEventCreate(&mut a), 0);
        assert_eq!(cudaEventCreate(&mut b), 0);
        assert_eq!(cudaEventCreateWithFlags(&mut silent, 2), 0);
        assert_eq!(cudaEventElapsedTime(&mut ms, a, b), 400);
        assert_eq!(cudaEventQuery(a), 0);
        assert_eq!(cudaEventRecord(a, stream), 0);
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!(cudaEventRecord(b, 0), 0);
        assert_eq!(cudaEventSynchronize(b), 0);
        assert_eq!(cudaEventElapsedTime(&mut ms, a, b), 0);
        assert!(ms >= 2.0, "{ms}");
        assert_eq!(cudaEventRecord(silent, 0), 0);
        assert_eq!(cudaEventElapsedTime(&mut ms, a, silent), 400);
        assert_eq!(cudaStreamWaitEvent(stream, a, 0), 0);
        assert_eq!(
            cudaLaunchHostFunc(stream, Some(count), (&raw mut calls).cast()),
            0
        );
        assert_eq!(
            cudaStreamAddCallback(stream, Some(called), (&raw mut calls).cast(), 0),
            0
        );
        assert_eq!(calls, 2);
        assert_eq!(cudaStreamSynchronize(stream), 0);
        assert_eq!(cudaStreamDestroy(stream), 0);
        assert_eq!(cudaStreamDestroy(stream), 400);
        assert_eq!(cudaStreamQuery(stream), 400);
        assert_eq!(cudaEventDestroy(a), 0);
        assert_eq!(cudaEventRecord(a, 0), 400);
    }
}

#[test]
fn properties_fill_the_structure_of_the_caller_and_no_more() {
    let _turn = turn();
    // Nothing in this process names a libcudart, so the layout is CUDA 13's.
    for (size, call) in [
        (
            1008,
            cudaGetDeviceProperties as unsafe extern "C" fn(*mut c_void, i32) -> u32,
        ),
        (1032, cudaGetDeviceProperties_v2),
    ] {
        let mut bytes = vec![0xaau8; 1100];
        // SAFETY: the buffer is larger than any layout.
        unsafe { assert_eq!(call(bytes.as_mut_ptr().cast(), 0), 0) };
        assert!(bytes[size..].iter().all(|b| *b == 0xaa));
        assert!(!bytes[size - 8..size].contains(&0xaa));
        assert_eq!(
            CStr::from_bytes_until_nul(&bytes).unwrap().to_str().unwrap(),
            "Vernier virtual GPU"
        );
        // SAFETY: as above.
        unsafe { assert_eq!(call(bytes.as_mut_ptr().cast(), 1), 101) };
    }
    let (mut value, mut count) = (0, 0);
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(cudaGetDeviceCount(&mut count), 0);
        assert_eq!(count, 1);
        assert_eq!(cudaDeviceGetAttribute(&mut value, 10, 0), 0);
        assert_eq!(value, 32);
        assert_eq!(cudaDeviceGetAttribute(&mut value, 4444, 0), 1);
        assert_eq!(cudaRuntimeGetVersion(&mut value), 0);
        assert_eq!(value / 1000, 13);
        assert_eq!(cudaSetDevice(1), 101);
        let mut id = [0 as c_char; 16];
        assert_eq!(cudaDeviceGetPCIBusId(id.as_mut_ptr(), 16, 0), 0);
        let mut device = -1;
        assert_eq!(cudaDeviceGetByPCIBusId(&mut device, id.as_ptr()), 0);
        assert_eq!(device, 0);
    }
}

#[test]
fn errors_have_names_and_texts() {
    let _turn = turn();
    let text = |p: *const c_char| {
        // SAFETY: the library returns C strings that never end.
        unsafe { CStr::from_ptr(p) }.to_str().unwrap()
    };
    assert_eq!(text(cudaGetErrorName(700)), "cudaErrorIllegalAddress");
    assert_eq!(text(cudaGetErrorString(0)), "no error");
    assert_eq!(text(cudaGetErrorString(123_456)), "unrecognized error code");
}

#[test]
fn what_is_not_there_refuses() {
    let _turn = turn();
    assert_eq!(cudaGraphCreate(), 801);
    assert_eq!(cudaGetLastError(), 801);
    assert_eq!(cudaMallocArray(), 801);
    assert!(UNSUPPORTED.len() > 200 && UNSUPPORTED.contains(&"cudaIpcGetMemHandle"));
}

#[test]
fn pools_and_limits() {
    let _turn = turn();
    let (mut pool, mut made, mut value) = (0, 0, 0usize);
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(cudaDeviceGetDefaultMemPool(&mut pool, 0), 0);
        let threshold = u64::MAX;
        assert_eq!(cudaMemPoolSetAttribute(pool, 4, (&raw const threshold).cast()), 0);
        let mut read = 0u64;
        assert_eq!(cudaMemPoolGetAttribute(pool, 4, (&raw mut read).cast()), 0);
        assert_eq!(read, threshold);
        let pinned = [1u32; 22];
        assert_eq!(cudaMemPoolCreate(&mut made, pinned.as_ptr().cast()), 0);
        let mut address = 0;
        assert_eq!(cudaMallocFromPoolAsync(&mut address, 64, made, 0), 0);
        assert_eq!(cudaFreeAsync(address, 0), 0);
        assert_eq!(cudaMemPoolDestroy(made), 0);
        assert_eq!(cudaMemPoolDestroy(made), 1);
        assert_eq!(cudaDeviceSetLimit(0, 4096), 0);
        assert_eq!(cudaDeviceGetLimit(&mut value, 0), 0);
        assert_eq!(value, 4096);
        assert_eq!(cudaDeviceGetLimit(&mut value, 77), 1);
    }
}
