//! What ptxas takes and compilers hardly write: constant expressions, elements of arrays, special registers as vectors,
//! 128 bits, parts of vectors that are not stored, aliases.

#[path = "reference/device.rs"]
mod device;

use device::Device;

/// The first words that a kernel stores: `%rd1` is the buffer.
fn words(items: &str, body: &str, count: usize) -> Vec<u32> {
    let text = format!(
        "{items}\n.visible .entry k(.param .u64 out)\n{{\n.reg .f32 %f<9>;\n.reg .b32 %r<20>;\n.reg .b64 %rd<9>;\n.reg .b128 %q<4>;\n\
         .reg .v4 .u32 %v<2>;\n.reg .pred %p<3>;\nld.param.u64 %rd1, [out];\n{body}\nret;\n}}\n"
    );
    let mut device = Device::new(&text, 1);
    device.rows = 2;
    let out = device.buffer(256);
    // The thread with y = 1 is the last to write.
    let e = device.launch(1, 1, &[out]);
    assert!(e.trap.is_none(), "{body}: {:?}", e.trap);
    let bytes = device.bytes(out, 4 * count);
    let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    bytes.chunks_exact(4).map(word).collect()
}

#[test]
fn constants_are_computed() {
    let float = |x: f32| x.to_bits();
    let cases: &[(&str, u32)] = &[
        ("mov.u32 %r1, 3 > 2 ? 5 : 6;", 5),
        ("mov.u32 %r1, 3 < 2 ? 5 : 2 == 2 ? 7 : 8;", 7),
        ("mov.u32 %r1, 5 >= 5 && 3 != 4 || 0;", 1),
        ("mov.u32 %r1, 1 | 2 == 2;", 1),
        ("mov.u32 %r1, 6 & 3 << 1;", 6),
        ("mov.u32 %r1, 0 && 1 || 1;", 1),
        ("mov.u32 %r1, 1.0 > 0.5 ? 1 : 2;", 1),
        ("mov.u32 %r1, -1 < 1;", 1),
        ("mov.u32 %r1, (.u64)-1 < 1;", 0),
        ("mov.u64 %rd2, (.u64)-1 >> 60; cvt.u32.u64 %r1, %rd2;", 15),
        (
            "mov.u64 %rd2, (.s64)-8 >> 1; cvt.u32.u64 %r1, %rd2;",
            -4i32 as u32,
        ),
        ("mov.u32 %r1, WARP_SZ * 2 + 1;", 65),
        ("mov.u32 %r1, WARP_SZ;", 32),
        ("mov.u32 %r1, !0 + !7;", 1),
        ("add.s32 %r1, 0, +5;", 5),
        ("add.f32 %f1, 0f00000000, .5; mov.b32 %r1, %f1;", float(0.5)),
        ("add.f32 %f1, 0f00000000, -.5; mov.b32 %r1, %f1;", float(-0.5)),
        ("add.f32 %f1, 0f00000000, +2.5; mov.b32 %r1, %f1;", float(2.5)),
        (
            "mov.f32 %f1, (1.0 + 2.0) * -.25e1; mov.b32 %r1, %f1;",
            float(-7.5),
        ),
    ];
    for (body, want) in cases {
        assert_eq!(
            words("", &format!("{body} st.global.u32 [%rd1], %r1;"), 1),
            [*want],
            "{body}"
        );
    }
}

#[test]
fn elements_of_arrays_have_addresses() {
    let items = ".global .u32 g[4] = {10, 11, 12, 13};\n.shared .f64 s[4];";
    let body = "ld.global.u32 %r1, g[1]; mov.u64 %rd2, g[3]; ld.global.u32 %r2, [%rd2]; ld.global.u32 %r3, [g[2]];\
                mov.u32 %r4, s[2]; mov.u32 %r5, s; sub.u32 %r6, %r4, %r5;\
                st.global.v4.u32 [%rd1], {%r1, %r2, %r3, %r6};";
    assert_eq!(words(items, body, 4), [11, 13, 12, 16]);
}

#[test]
fn vectors_and_128_bits_move() {
    let body = "mov.v4.u32 {%r1, %r2, %r3, %r4}, %tid; st.global.v4.u32 [%rd1], {%r1, %r2, %r3, %r4};\
                mov.v4.u32 %v0, %ntid; mov.v4.u32 %v1, %v0; st.global.v4.u32 [%rd1+16], %v1;";
    assert_eq!(words("", body, 8), [0, 1, 0, 0, 1, 2, 1, 0]);
    // Swapped through themselves.
    let body = "mov.u64 %rd2, 0x100000002; mov.u64 %rd3, 0x300000004; mov.b128 %q1, {%rd2, %rd3}; mov.b128 {%rd3, %rd2}, %q1;\
                st.global.v2.u64 [%rd1], {%rd2, %rd3}; st.global.b128 [%rd1+16], %q1; ld.global.b128 %q2, [%rd1+16];\
                mov.b128 %q3, %q2; mov.b128 {%r1, %r2, %r3, %r4}, %q3; mov.b128 %q1, {%r4, %r3, %r2, %r1};\
                st.global.b128 [%rd1+32], %q1;";
    assert_eq!(words("", body, 12), [4, 3, 2, 1, 2, 1, 4, 3, 3, 4, 1, 2]);
}

#[test]
fn atomics_of_128_bits_exchange_and_compare() {
    let body = "mov.u32 %r1, %tid.y; setp.ne.u32 %p1, %r1, 0; @%p1 exit;\
                mov.u64 %rd2, 1; mov.u64 %rd3, 2; mov.b128 %q1, {%rd2, %rd3};\
                mov.u64 %rd2, 3; mov.u64 %rd3, 4; mov.b128 %q2, {%rd2, %rd3};\
                atom.global.exch.b128 %q3, [%rd1], %q1; st.global.b128 [%rd1+16], %q3;\
                atom.global.cas.b128 %q3, [%rd1], %q1, %q2; st.global.b128 [%rd1+32], %q3;\
                atom.global.cas.b128 %q3, [%rd1], %q1, %q1; st.global.b128 [%rd1+48], %q3;";
    let wide = |values: [u32; 8]| values.map(|v| [v, 0]).concat();
    assert_eq!(words("", body, 16), wide([3, 4, 0, 0, 1, 2, 3, 4]));
}

#[test]
fn what_is_not_stored_stays() {
    let body = "mov.u32 %r1, 7; st.global.v4.u32 [%rd1], {%r1, %r1, %r1, %r1}; st.global.v4.u32 [%rd1+16], {%r1, %r1, %r1, %r1};\
                mov.u32 %r2, 9; st.global.v8.b32 [%rd1], {%r2, _, %r2, _, _, %r2, %r2, _};";
    assert_eq!(words("", body, 8), [9, 7, 9, 7, 7, 9, 9, 7]);
}

#[test]
fn an_alias_is_called() {
    let items = ".visible .func (.param .b32 r) twice(.param .b32 a);\n.func (.param .b32 r) double(.param .b32 a)\n{\n.reg .b32 %r<3>;\n\
                 ld.param.b32 %r1, [a];\nadd.s32 %r2, %r1, %r1;\nst.param.b32 [r], %r2;\nret;\n}\n.alias twice, double;";
    let body = "{\n.param .b32 a;\n.param .b32 r;\nst.param.b32 [a], 21;\ncall (r), twice, (a);\nld.param.b32 %r1, [r];\n}\n\
                st.global.u32 [%rd1], %r1;";
    assert_eq!(words(items, body, 1), [42]);
}
