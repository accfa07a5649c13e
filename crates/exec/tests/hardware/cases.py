"""The instruction forms to run on a GPU (`cases`: result registers, instructions) and the operand sets (`inputs`).

A body reads operands 0 to 3 of its thread in %d (64 bits), %r (32), %h (16) and %p (a bit); %d32, %r32 and %r33 are its 32 bytes
of global, shared and local memory, the first filled with the operands. Text before ` @@ ` stands outside the kernel.
"""

import re
import struct


def braces(s):
    m = re.search(r'\{([^{}]*)\}', s)
    if not m:
        return [s]
    return [x for o in m.group(1).split(',') for x in braces(s[: m.start()] + o + s[m.end() :])]


cases, seen = [], set()


def case(results, body):
    key = (results, body)
    if key not in seen:
        seen.add(key)
        cases.append(key)


RES = {'r': '%r9', 'd': '%d9', 'h': '%h9', 'p': '%p9'}


def E(pattern, sig, extra=''):
    """sig: result=operands, letters; extra: literal text behind the operands."""
    res, ops = sig.split('=')
    for m in braces(pattern):
        o = [f'%{k}{i}' for i, k in enumerate(ops)]
        case(RES[res], f'{m} {", ".join([RES[res]] + o)}{extra};')


W = {
    'u16': 'h',
    's16': 'h',
    'b16': 'h',
    'u32': 'r',
    's32': 'r',
    'b32': 'r',
    'u64': 'd',
    's64': 'd',
    'b64': 'd',
    'f16': 'h',
    'bf16': 'h',
    'f16x2': 'r',
    'bf16x2': 'r',
    'f32': 'r',
    'f64': 'd',
    'tf32': 'r',
    'u16x2': 'r',
    's16x2': 'r',
    'e4m3x2': 'h',
    'e5m2x2': 'h',
    'u8': 'h',
    's8': 'h',
    'b8': 'h',
}


def T(pattern, ops, result=None, extra=''):
    """Each operand letter: T last type's register, r u32, p predicate. result: T unless told."""
    for m in braces(pattern):
        t = W[m.split('.')[-1]]
        r = t if result is None else result
        o = ''.join(t if x == 'T' else x for x in ops)
        E(m, f'{r}={o}', extra)


INT = '{u16,s16,u32,s32,u64,s64}'
# --- integers
T(f'{{add,sub}}.{INT}', 'TT')
E('{add,sub}.sat.s32', 'r=rr')
T('{add,min,max}.{u16x2,s16x2}', 'TT')
T(f'mul.{{lo,hi}}.{INT}', 'TT')
T(f'mad.{{lo,hi}}.{INT}', 'TTT')
E('mad.hi.sat.s32', 'r=rrr')
E('mul.wide.{u16,s16}', 'r=hh')
E('mul.wide.{u32,s32}', 'd=rr')
E('mad.wide.{u16,s16}', 'r=hhr')
E('mad.wide.{u32,s32}', 'd=rrd')
E('mul24.{lo,hi}.{u32,s32}', 'r=rr')
E('mad24.{lo,hi}.{u32,s32}', 'r=rrr')
E('mad24.hi.sat.s32', 'r=rrr')
T(f'sad.{INT}', 'TTT')
T(f'{{div,rem}}.{INT}', 'TT')
T('{abs,neg}.{s16,s32,s64}', 'T')
T(f'{{min,max}}.{INT}', 'TT')
E('{min,max}.relu.{s32,s16x2}', 'r=rr')
T('{and,or,xor}.{b16,b32,b64}', 'TT')
T('{not,cnot}.{b16,b32,b64}', 'T')
E('{and,or,xor}.pred', 'p=pp')
E('not.pred', 'p=p')
E('mov.pred', 'p=p')
T('shl.{b16,b32,b64}', 'Tr')
T('shr.{b16,b32,b64,u16,s16,u32,s32,u64,s64}', 'Tr')
E('shf.{l,r}.{clamp,wrap}.b32', 'r=rrr')
E('prmt.b32{,.f4e,.b4e,.rc8,.ecl,.ecr,.rc16}', 'r=rrr')
for s in (0x3210, 0x7654, 0x0123, 0xBA98, 0xFEDC, 0x5410, 0x7632, 0x4321, 0x8888):
    E('prmt.b32', 'r=rr', f', {s:#x}')
for t in (0, 0xFF, 0x80, 0x96, 0xE8, 0xCA, 0x3C, 0x1B, 0xF8):
    E('lop3.b32', 'r=rrr', f', {t:#x}')
for t in (0x96, 0xCA):
    case('%r9,%p9', f'lop3.or.b32 %r9|%p9, %r0, %r1, %r2, {t:#x}, %p3;')
    case('%r9,%p9', f'lop3.and.b32 %r9|%p9, %r0, %r1, %r2, {t:#x}, %p3;')
E('{popc,clz}.b32', 'r=r')
E('{popc,clz}.b64', 'r=d')
E('bfind{,.shiftamt}.{u32,s32}', 'r=r')
E('bfind{,.shiftamt}.{u64,s64}', 'r=d')
T('brev.{b32,b64}', 'T')
T('bfe.{u32,s32}', 'Trr')
T('bfi.b32', 'TTrr')
for d in ('r', 'd'):  # bit fields in range
    w = {'r': 32, 'd': 64}[d]
    for t in ('u', 's'):
        case(RES[d], f'and.b32 %r4, %r1, {w - 1}; and.b32 %r5, %r2, {w - 1}; bfe.{t}{w} {RES[d]}, %{d}0, %r4, %r5;')
    case(RES[d], f'and.b32 %r4, %r2, {w - 1}; and.b32 %r5, %r3, {w - 1}; bfi.b{w} {RES[d]}, %{d}0, %{d}1, %r4, %r5;')
    for p, l in ((0, 8), (8, 8), (16, 16), (31, 4), (w - 1, 1), (0, w), (5, 0)):
        for t in ('u', 's'):
            case(RES[d], f'bfe.{t}{w} {RES[d]}, %{d}0, {p}, {l};')
        case(RES[d], f'bfi.b{w} {RES[d]}, %{d}0, %{d}1, {p}, {l};')
E('bmsk.{clamp,wrap}.b32', 'r=rr')
E('szext.{clamp,wrap}.{u32,s32}', 'r=rr')
case('%r9', 'and.b32 %r4, %r1, 31; and.b32 %r5, %r2, 7; sub.s32 %r5, %r5, 3; fns.b32 %r9, %r0, %r4, %r5;')
case('%r9', 'and.b32 %r4, %r1, 31; and.b32 %r5, %r2, 63; sub.s32 %r5, %r5, 31; fns.b32 %r9, %r0, %r4, %r5;')
for p in (0, 5, 31):
    for n in (-40, -33, -32, -2, -1, 0, 1, 2, 7, 32, 33):
        case('%r9', f'fns.b32 %r9, %r0, {p}, {n};')
E('dp4a.{u32,s32}.{u32,s32}', 'r=rrr')
E('dp2a.{lo,hi}.{u32,s32}.{u32,s32}', 'r=rrr')
for t in ('u32', 's32', 'u64', 's64'):
    k = W[t]
    for op in ('add', 'sub'):
        case(f'%{k}9,%{k}8', f'{op}.cc.{t} %{k}8, %{k}0, %{k}1; {op}c.{t} %{k}9, %{k}2, %{k}3;')
        case(f'%{k}9,%{k}8,%{k}7', f'{op}.cc.{t} %{k}7, %{k}0, %{k}1; {op}c.cc.{t} %{k}8, %{k}2, %{k}3; {op}c.{t} %{k}9, %{k}1, %{k}2;')
        for h in ('lo', 'hi'):
            case(f'%{k}9,%{k}8', f'mad.{h}.cc.{t} %{k}8, %{k}0, %{k}1, %{k}2; madc.{h}.{t} %{k}9, %{k}1, %{k}2, %{k}3;')
            case(
                f'%{k}9,%{k}8,%{k}7',
                f'mad.{h}.cc.{t} %{k}7, %{k}0, %{k}1, %{k}2; madc.{h}.cc.{t} %{k}8, %{k}1, %{k}2, %{k}3; addc.{t} %{k}9, %{k}0, %{k}3;',
            )
case('%r9,%r8', 'sub.cc.u32 %r8, %r0, %r1; addc.u32 %r9, %r2, %r3;')
case('%r9,%r8', 'add.cc.u32 %r8, %r0, %r1; subc.u32 %r9, %r2, %r3;')
# --- immediates
for b in [
    'add.s32 %r9, %r0, -7;',
    'sub.s32 %r9, 5, %r0;',
    'mul.lo.s32 %r9, %r0, 0x12345;',
    'mul.hi.u32 %r9, %r0, -3;',
    'mul.hi.s32 %r9, %r0, -3;',
    'mad.lo.s32 %r9, %r0, 12, -5;',
    'shl.b32 %r9, %r0, 35;',
    'shr.s32 %r9, %r0, 40;',
    'shr.u32 %r9, %r0, 31;',
    'and.b32 %r9, %r0, 0xff00;',
    'or.b32 %r9, %r0, -2147483648;',
    'xor.b32 %r9, %r0, 0b1011;',
    'add.u32 %r9, %r0, 010;',
    'add.u32 %r9, %r0, 0xffffffffU;',
    'min.s32 %r9, %r0, -5;',
    'max.u32 %r9, %r0, 4294967290;',
    'div.s32 %r9, %r0, -7;',
    'rem.s32 %r9, %r0, -7;',
    'div.u32 %r9, %r0, 10;',
    'rem.u32 %r9, %r0, 10;',
    'div.s32 %r9, %r0, 8;',
    'rem.s32 %r9, %r0, 8;',
    'mul.f32 %r9, %r0, 0f3FC00000;',
    'add.f32 %r9, %r0, 0fBF800000;',
    'fma.rn.f32 %r9, %r0, 0f40000000, 0f3F800000;',
    'sub.f32 %r9, 0f3F800000, %r0;',
    'add.f32 %r9, %r0, 1.5;',
    'mul.f32 %r9, %r0, -0.1;',
    'selp.b32 %r9, 3, -4, %p0;',
    'selp.f32 %r9, 0f3F800000, %r1, %p0;',
    'slct.s32.f32 %r9, %r0, 7, %r2;',
    'mov.b32 %r9, 0f7FC00001;',
    'mov.u32 %r9, -1;',
    'mov.u32 %r9, (3 + 4) * 5 - 1;',
    'mov.u32 %r9, 1 << 5 | 3;',
    'mov.u32 %r9, 7 > 3 ? 11 : 12;',
    'mov.u32 %r9, WARP_SZ;',
    'set.lt.u32.s32 %r9, %r0, 17;',
    'mul24.lo.s32 %r9, %r0, 1000;',
    'sad.s32 %r9, %r0, 100, 5;',
    'shf.l.wrap.b32 %r9, %r0, %r1, 37;',
    'shf.r.clamp.b32 %r9, %r0, %r1, 37;',
    'copysign.f32 %r9, 0fBF800000, %r0;',
    'cvt.s32.s8 %r9, %r0;',
    'cvt.rn.f32.s32 %r9, 16777217;',
    'mov.u32 %r9, 5 / 2 % 2;',
    'mov.u32 %r9, !0 + ~1;',
    'mov.s32 %r9, -7 / 2;',
]:
    case('%r9', b)
for b in [
    'add.s64 %d9, %d0, -7;',
    'mul.lo.s64 %d9, %d0, 0x123456789;',
    'mul.wide.s32 %d9, %r0, -4;',
    'mul.wide.u32 %d9, %r0, 4294967295;',
    'mad.wide.s32 %d9, %r0, 4, %d1;',
    'shl.b64 %d9, %d0, 3;',
    'shr.s64 %d9, %d0, 70;',
    'and.b64 %d9, %d0, -2;',
    'add.f64 %d9, %d0, 0d3FF8000000000000;',
    'mul.f64 %d9, %d0, 0.1;',
    'fma.rn.f64 %d9, %d0, 2.0, 1.0;',
    'mov.b64 %d9, 0d7FF8000000000001;',
    'mov.u64 %d9, -1;',
    'cvt.u64.u32 %d9, -1;',
    'cvt.s64.s32 %d9, -5;',
    'div.s64 %d9, %d0, -7;',
    'rem.u64 %d9, %d0, 1000000007;',
    'max.s64 %d9, %d0, -1;',
    'selp.b64 %d9, %d0, -1, %p1;',
    'mov.u64 %d9, 0xffffffffffffffff;',
    'mov.s64 %d9, -9223372036854775808;',
    'mov.u64 %d9, 1 << 40;',
    'cvt.rn.f64.s32 %d9, -3;',
]:
    case('%d9', b)
for b in [
    'add.s16 %h9, %h0, -7;',
    'mul.lo.u16 %h9, %h0, 300;',
    'shl.b16 %h9, %h0, 17;',
    'shr.s16 %h9, %h0, 20;',
    'mov.u16 %h9, -1;',
    'mov.b16 %h9, 0x3C00;',
    'selp.b16 %h9, %h0, 5, %p1;',
    'and.b16 %h9, %h0, 255;',
    'min.s16 %h9, %h0, -5;',
    'max.u16 %h9, %h0, 65530;',
]:
    case('%h9', b)
for b in [
    'setp.lt.s32 %p9, %r0, -5;',
    'setp.gt.u32 %p9, %r0, -5;',
    'setp.ge.f32 %p9, %r0, 0f00000000;',
    'setp.ne.s16 %p9, %h0, -1;',
    'setp.lt.u16 %p9, %h0, -1;',
    'setp.eq.b64 %p9, %d0, 0;',
    'setp.neu.f64 %p9, %d0, 0d7FF0000000000000;',
    'setp.lt.s32 %p9, 3, %r0;',
    'setp.le.s64 %p9, %d0, -2;',
    'and.pred %p9, %p0, 1;',
    'mov.pred %p9, 0;',
    'mov.pred %p9, 1;',
]:
    case('%p9', b)
# packing
for r, b in [
    ('%r9', 'mov.b32 %r9, {%h0, %h1};'),
    ('%d9', 'mov.b64 %d9, {%r0, %r1};'),
    ('%d9', 'mov.b64 %d9, {%h0, %h1, %h2, %h3};'),
    ('%h9,%h8', 'mov.b32 {%h8, %h9}, %r0;'),
    ('%r9,%r8', 'mov.b64 {%r8, %r9}, %d0;'),
    ('%h9,%h8,%h7,%h6', 'mov.b64 {%h6, %h7, %h8, %h9}, %d0;'),
    ('%r9', 'mov.b64 {_, %r9}, %d0;'),
    ('%r9', 'mov.b64 {%r9, _}, %d0;'),
    ('%r9', 'mov.b32 %r9, {%h0, 7};'),
    ('%d9', '.reg .b128 %q; mov.b128 %q, {%d0, %d1}; mov.b128 {%d8, %d9}, %q;'),
    ('%h9', '.reg .b8 %c0, %c1; mov.b16 {%c0, %c1}, %h0; mov.b16 %h9, {%c1, %c0};'),
]:
    case(r, b)
T('mov.{b16,u16,s16,b32,u32,s32,f32,b64,u64,s64,f64}', 'T')
T('selp.{b16,u16,s16,b32,u32,s32,f32,b64,u64,s64,f64}', 'TTp')
# --- f32, f64
RND = '{,.rn,.rz,.rm,.rp}'
E(f'{{add,sub,mul}}{RND}{{,.ftz}}{{,.sat}}.f32', 'r=rr')
E('fma.{rn,rz,rm,rp}{,.ftz}{,.sat}.f32', 'r=rrr')
E('mad.{rn,rz,rm,rp}{,.ftz}{,.sat}.f32', 'r=rrr')
E('div.{rn,rz,rm,rp}{,.ftz}.f32', 'r=rr')
E('{sqrt,rcp}.{rn,rz,rm,rp}{,.ftz}.f32', 'r=r')
E(f'{{add,sub,mul}}{RND}.f64', 'd=dd')
E('{fma,mad}.{rn,rz,rm,rp}.f64', 'd=ddd')
E('div.{rn,rz,rm,rp}.f64', 'd=dd')
E('{sqrt,rcp}.{rn,rz,rm,rp}.f64', 'd=d')
E('{min,max}{,.ftz}{,.NaN}{,.xorsign.abs}.f32', 'r=rr')
E('{min,max}.f64', 'd=dd')
E('{abs,neg}{,.ftz}.f32', 'r=r')
E('{abs,neg}.f64', 'd=d')
E('copysign.f32', 'r=rr')
E('copysign.f64', 'd=dd')
E('testp.{finite,infinite,number,notanumber,normal,subnormal}.f32', 'p=r')
E('testp.{finite,infinite,number,notanumber,normal,subnormal}.f64', 'p=d')
# special: approximations
E('{rcp,sqrt,rsqrt,sin,cos,lg2,ex2}.approx{,.ftz}.f32', 'r=r')
E('tanh.approx.f32', 'r=r')
E('div.{approx,full}{,.ftz}.f32', 'r=rr')
E('rcp.approx.ftz.f64', 'd=d')
E('rsqrt.approx{,.ftz}.f64', 'd=d')
# --- half
for h, k in (('{f16,bf16}', 'h'), ('{f16x2,bf16x2}', 'r')):
    E(f'{{add,sub,mul}}{{,.rn}}{{,.ftz}}{{,.sat}}.{h}', f'{k}={k}{k}')
    E(f'fma.rn{{,.ftz}}{{,.sat,.relu}}.{h}', f'{k}={k}{k}{k}')
    E(f'{{neg,abs}}{{,.ftz}}.{h}', f'{k}={k}')
    E(f'{{min,max}}{{,.ftz}}{{,.NaN}}{{,.xorsign.abs}}.{h}', f'{k}={k}{k}')
    E(f'ex2.approx{{,.ftz}}.{h}', f'{k}={k}')
    E(f'tanh.approx.{h}', f'{k}={k}')
# --- comparisons
FC = ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'equ', 'neu', 'ltu', 'leu', 'gtu', 'geu', 'num', 'nan']
UC = ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'lo', 'ls', 'hi', 'hs']
SC = UC[:6]
BC = UC[:2]
TYPES = {
    'b16': BC,
    'b32': BC,
    'b64': BC,
    'u16': UC,
    'u32': UC,
    'u64': UC,
    's16': SC,
    's32': SC,
    's64': SC,
    'f32': FC,
    'f64': FC,
    'f16': FC,
    'bf16': FC,
}
for t, cs in TYPES.items():
    k = W[t]
    for c in cs:
        for f in [''] + (['.ftz'] if t in ('f32', 'f16') else []):
            E(f'setp.{c}{f}.{t}', f'p={k}{k}')
    for c, b in zip(cs * 3, ('and', 'or', 'xor')):
        case('%p9', f'setp.{c}.{b}.{t} %p9, %{k}0, %{k}1, %p2;')
        case('%p9,%p8', f'setp.{c}.{b}.{t} %p9|%p8, %{k}0, %{k}1, !%p2;')
    case('%p9,%p8', f'setp.{cs[-1]}.{t} %p9|%p8, %{k}0, %{k}1;')
    for dt in ('u32', 's32', 'f32'):
        for c in cs if dt == 'u32' else [cs[0], cs[-1], cs[len(cs) // 2]]:
            E(f'set.{c}.{dt}.{t}', f'r={k}{k}')
        E(f'set.{cs[0]}.and.{dt}.{t}', f'r={k}{k}p')
        E(f'set.{cs[1]}.xor.{dt}.{t}', f'r={k}{k}p')
        case('%r9', f'set.{cs[1]}.or.{dt}.{t} %r9, %{k}0, %{k}1, !%p2;')
for c in FC:
    for t in ('f16x2', 'bf16x2'):
        for f in ('', '.ftz') if t == 'f16x2' else ('',):
            case('%p9,%p8', f'setp.{c}{f}.{t} %p9|%p8, %r0, %r1;')
            case('%r9', f'set.{c}{f}.{t}.{t} %r9, %r0, %r1;')
            case('%r9', f'set.{c}{f}.u32.{t} %r9, %r0, %r1;')
    for t in ('f16', 'bf16'):
        E(f'set.{c}.{t}.{t}', 'h=hh')
        E(f'set.{c}.u16.{t}', 'h=hh')
    E(f'set.{c}.ftz.u32.f32', 'r=rr')
    E(f'set.{c}.ftz.f32.f32', 'r=rr')
case('%p9,%p8', 'setp.lt.and.f16x2 %p9|%p8, %r0, %r1, %p2;')
case('%p9,%p8', 'setp.geu.xor.bf16x2 %p9|%p8, %r0, %r1, %p2;')
for t in ('b16', 'u16', 's16', 'b32', 'u32', 's32', 'f32', 'b64', 'u64', 's64', 'f64'):
    k = W[t]
    for m in (f'slct.{t}.s32', f'slct.{t}.f32', f'slct.ftz.{t}.f32'):
        E(m, f'{k}={k}{k}r')
# --- conversions
I8 = ['u8', 's8', 'u16', 's16', 'u32', 's32', 'u64', 's64']
for a in I8:
    for b in I8:
        for s in ('', '.sat'):
            for dk in dict.fromkeys([W[a], 'd']):
                for sk in dict.fromkeys([W[b], 'd']):
                    E(f'cvt{s}.{a}.{b}', f'{dk}={sk}')
            if W[a] == 'h':
                E(f'cvt{s}.{a}.{b}', f'r={W[b]}')
    for f in ('f16', 'bf16', 'f32', 'f64'):
        for m in ('rn', 'rz', 'rm', 'rp'):
            for x in ('', '.sat'):
                E(f'cvt.{m}{x}.{f}.{a}', f'{W[f]}={W[a]}')
        for m in ('rni', 'rzi', 'rmi', 'rpi'):
            for x in ('', '.sat') + (('.ftz', '.ftz.sat') if f == 'f32' else ()):
                E(f'cvt.{m}{x}.{a}.{f}', f'{W[a]}={W[f]}')
        E(f'cvt.rzi.{a}.{f}', f'd={W[f]}')
        E(f'cvt.rn.{f}.{a}', f'{W[f]}=d')
        if W[a] == 'h':
            E(f'cvt.rni.{a}.{f}', f'r={W[f]}')
for a in ('f16', 'bf16', 'f32', 'f64'):
    for b in ('f16', 'bf16', 'f32', 'f64'):
        for m in ('', '.rn', '.rz', '.rm', '.rp', '.rni', '.rzi', '.rmi', '.rpi'):
            for f in ('', '.ftz'):
                for s in ('', '.sat', '.relu', '.satfinite', '.relu.satfinite'):
                    E(f'cvt{m}{f}{s}.{a}.{b}', f'{W[a]}={W[b]}')
E('cvt.{rn,rz}{,.relu}{,.satfinite}.tf32.f32', 'r=r')
E('cvt.{rn,rz}{,.ftz}{,.relu}{,.satfinite}.{f16x2,bf16x2}.f32', 'r=rr')
E('cvt.rn.satfinite{,.relu}.{e4m3x2,e5m2x2}.f32', 'h=rr')
E('cvt.rn.satfinite{,.relu}.{e4m3x2,e5m2x2}.f16x2', 'h=r')
E('cvt.rn{,.relu}.f16x2.{e4m3x2,e5m2x2}', 'r=h')
# --- memory: what a space holds, read back in all widths
SPACES = {
    'global': ('.global', '%d32'),
    'shared': ('.shared', '%r32'),
    'local': ('.local', '%r33'),
    'generic global': ('', '%d4'),
    'generic shared': ('', '%d4'),
    'generic local': ('', '%d4'),
}
LDT = ['b8', 'u8', 's8', 'b16', 'u16', 's16', 'b32', 'u32', 's32', 'f32', 'b64', 'u64', 's64', 'f64']
for name, (sp, base) in SPACES.items():
    pre = ''
    if name != 'global':
        s2 = name.split()[-1]
        reg = {'global': '%d32', 'shared': '%r32', 'local': '%r33'}[s2]
        if s2 != 'global':
            pre = f'st.{s2}.v2.b64 [{reg}], {{%d0, %d1}}; st.{s2}.v2.b64 [{reg}+16], {{%d2, %d3}}; '
        if name.startswith('generic'):
            pre += ('cvt.u64.u32 %d5, ' + reg + f'; cvta.{s2}.u64 %d4, %d5; ') if s2 != 'global' else f'cvta.global.u64 %d4, {reg}; '
    for t in LDT:
        k = W[t]
        n = {'8': 1, '6': 2, '2': 4, '4': 8}[t[-1]]
        for d in dict.fromkeys([k] + (['r', 'd'] if t[0] != 'f' else [])):
            if {'h': 2, 'r': 4, 'd': 8}[d] < n:
                continue
            off = {1: 3, 2: 6, 4: 12, 8: 8}[n]
            case(RES[d], f'{pre}ld{sp}.{t} {RES[d]}, [{base}+{off}];')
            case(
                '%d8,%d9',
                f'{pre}mov.b64 %d7, 0; {"cvt.u64.u16 %d7, %h3;" if d == "h" else "cvt.u64.u32 %d7, %r3;" if d == "r" else "mov.b64 %d7, %d3;"} st{sp}.{t} [{base}+{off}], %{d}3; ld{sp}.b64 %d8, [{base}]; ld{sp}.b64 %d9, [{base}+8];',
            )
        for v in (2, 4, 8):
            if v * n > 16:
                continue
            regs = [f'%{k}{6 + i}' for i in range(v)]
            if v <= 4:
                case(','.join(regs), f'{pre}ld{sp}.v{v}.{t} {{{", ".join(regs)}}}, [{base}+16];')
            if v <= 4:
                case(
                    '%d8,%d9',
                    f'{pre}st{sp}.v{v}.{t} [{base}], {{{", ".join(f"%{k}{(i + 1) % 4}" for i in range(v))}}}; ld{sp}.b64 %d8, [{base}]; ld{sp}.b64 %d9, [{base}+8];',
                )
for t in LDT:
    k = W[t]
    n = {'8': 1, '6': 2, '2': 4, '4': 8}[t[-1]]
    for d in dict.fromkeys([k] + (['r', 'd'] if t[0] != 'f' and n < 8 else [])):
        case(RES[d], f'ld.param.{t} {RES[d]}, [pbytes+{n}];')
        case(RES[d], f'ld.const.{t} {RES[d]}, [cbytes+{n}];')
        case(
            RES[d],
            f'and.b32 %r4, %r0, {16 - n}; mov.u64 %d5, cbytes; cvt.u64.u32 %d4, %r4; add.u64 %d5, %d5, %d4; ld.const.{t} {RES[d]}, [%d5];',
        )
    for v in (2, 4):
        if v * n <= 16:
            regs = [f'%{k}{6 + i}' for i in range(v)]
            case(','.join(regs), f'ld.param.v{v}.{t} {{{", ".join(regs)}}}, [pbytes+16];')
            case(','.join(regs), f'ld.const.v{v}.{t} {{{", ".join(regs)}}}, [cbytes+16];')
for q in (
    'ca',
    'cg',
    'cs',
    'lu',
    'cv',
    'volatile',
    'relaxed.gpu',
    'acquire.sys',
    'weak',
    'nc',
    'nc.L1::no_allocate',
    'L1::evict_last',
    'L2::128B',
):
    body = f'ld.{q}.global.u32' if q.split('.')[0] in ('volatile', 'relaxed', 'acquire', 'weak') else f'ld.global.{q}.u32'
    case('%r9', f'{body} %r9, [%d32+4];')
for q in ('wb', 'cg', 'cs', 'wt', 'volatile', 'relaxed.gpu', 'release.sys', 'weak'):
    body = f'st.{q}.global.u32' if q.split('.')[0] in ('volatile', 'relaxed', 'release', 'weak') else f'st.global.{q}.u32'
    case('%d9', f'{body} [%d32+4], %r1; ld.global.b64 %d9, [%d32];')
case('%r9', 'ldu.global.u32 %r9, [%d30];')
case('%r9,%r8', 'ldu.global.v2.u32 {%r8, %r9}, [%d30];')
case('%d8,%d9', '.reg .b128 %q; ld.global.b128 %q, [%d32]; mov.b128 {%d8, %d9}, %q;')
case('%d8,%d9', '.reg .b128 %q; mov.b128 %q, {%d1, %d0}; st.global.b128 [%d32], %q; ld.global.v2.b64 {%d8, %d9}, [%d32];')
for s in ('shared', 'local', 'global', 'param'):
    case(
        '%p9,%p8,%p7',
        f'cvt.u64.u32 %d4, %r32; cvta.shared.u64 %d4, %d4; cvt.u64.u32 %d5, %r33; cvta.local.u64 %d5, %d5; cvta.global.u64 %d6, %d32; isspacep.{s} %p9, %d4; isspacep.{s} %p8, %d5; isspacep.{s} %p7, %d6;',
    )
for s, r in (('shared', '%r32'), ('local', '%r33')):
    case('%d9', f'cvt.u64.u32 %d4, {r}; cvta.{s}.u64 %d5, %d4; cvta.to.{s}.u64 %d6, %d5; sub.u64 %d9, %d6, %d4;')
case('%d9', 'cvta.global.u64 %d4, %d32; cvta.to.global.u64 %d5, %d4; sub.u64 %d9, %d5, %d32;')
case('%d9', 'cvta.const.u64 %d4, cbytes; ld.u64 %d9, [%d4+8];')
case('%d9', 'mov.u64 %d5, cbytes; cvta.const.u64 %d4, %d5; ld.u64 %d9, [%d4+8];')
case('%r9', 'mov.b64 %d4, pbytes; cvta.param.u64 %d5, %d4; ld.u32 %r9, [%d5+4];')
# arrays with dynamic index, other threads' shared memory, barriers
case(
    '%d9',
    'and.b32 %r4, %r1, 24; add.u32 %r4, %r33, %r4; st.local.v2.b64 [%r33], {%d0, %d1}; st.local.v2.b64 [%r33+16], {%d2, %d3}; st.local.u8 [%r4], 7; ld.local.b64 %d9, [%r4];',
)
case(
    '%d9',
    'st.shared.b64 [%r32], %d0; bar.sync 0; xor.b32 %r4, %r30, 77; shl.b32 %r4, %r4, 5; mov.u32 %r5, sh; add.u32 %r5, %r5, %r4; ld.shared.b64 %d9, [%r5];',
)
for op, d in (('popc.u32', 'r'), ('and.pred', 'p'), ('or.pred', 'p')):
    for o in ('bar', 'barrier', 'bar.cta', 'barrier.cta'):
        for al in ('', '.aligned') if o.startswith('barrier') else ('',):
            a, b = op.split('.')
            case(RES[d], f'{o}.red{al}.{a}.{b} {RES[d]}, 0, %p0;')
            case(RES[d], f'{o}.red{al}.{a}.{b} {RES[d]}, 1, 128, !%p0;')
case('%r9', 'setp.lt.u32 %p4, %r30, 64; @%p4 bra L1; bar.red.popc.u32 %r9, 2, 64, %p0; bra L2; L1: bar.red.popc.u32 %r9, 3, 64, %p1; L2:')
case(
    '%d9',
    'setp.lt.u32 %p4, %r30, 64; @%p4 bra L1; st.shared.b64 [%r32], %d1; bar.arrive 2, 128; mov.b64 %d9, %d0; bra L2; L1: bar.sync 2, 128; ld.shared.b64 %d9, [%r32+2048]; L2:',
)
# --- atomics on the thread's own slot, all spaces
ATOM = {
    'add': ['u32', 's32', 'u64', 'f32', 'f64', 'f16', 'f16x2', 'bf16', 'bf16x2'],
    'inc': ['u32'],
    'dec': ['u32'],
    'min': ['u32', 's32', 'u64', 's64'],
    'max': ['u32', 's32', 'u64', 's64'],
    'and': ['b32', 'b64'],
    'or': ['b32', 'b64'],
    'xor': ['b32', 'b64'],
    'exch': ['b32', 'b64'],
    'cas': ['b16', 'b32', 'b64'],
}
for name, (sp, base) in SPACES.items():
    if 'local' in name:
        continue
    s2 = name.split()[-1]
    pre = ''
    if s2 == 'shared':
        pre = 'st.shared.v2.b64 [%r32], {%d0, %d1}; bar.sync 0; '
    if name.startswith('generic'):
        pre += 'cvt.u64.u32 %d5, %r32; cvta.shared.u64 %d4, %d5; ' if s2 == 'shared' else 'cvta.global.u64 %d4, %d32; '
    ld = ('bar.sync 0; ' if s2 == 'shared' else '') + f'ld.{s2}.b64 %d8, [{"%d32" if s2 == "global" else "%r32"}];'
    for op, ts in ATOM.items():
        for t in ts:
            if s2 == 'shared' and t in ('f16x2', 'bf16x2'):
                continue  # ptxas 13.0 takes a wrong high half
            k = W[t]
            nz = '.noftz' if t in ('f16', 'f16x2', 'bf16', 'bf16x2') else ''
            if op == 'cas':
                case(f'{RES[k]},%d8', f'{pre}atom{sp}.cas.{t} {RES[k]}, [{base}], %{k}0, %{k}2; {ld}')
                case(f'{RES[k]},%d8', f'{pre}atom{sp}.cas.{t} {RES[k]}, [{base}], %{k}1, %{k}2; {ld}')
            else:
                case(f'{RES[k]},%d8', f'{pre}atom{sp}.{op}{nz}.{t} {RES[k]}, [{base}], %{k}1; {ld}')
                if op != 'exch':
                    case('%d8', f'{pre}red{sp}.{op}{nz}.{t} [{base}], %{k}1; {ld}')
case('%r9,%d8', 'atom.relaxed.gpu.global.add.u32 %r9, [%d32+4], %r1; ld.global.b64 %d8, [%d32];')
case('%r9', 'atom.acq_rel.sys.global.exch.b32 %r9, [%d32], 5;')
case('%d8', 'atom.global.add.u32 _, [%d32], 3; ld.global.b64 %d8, [%d32];')
case('%r9', 'atom.global.inc.u32 %r8, [%d32], 17; ld.global.u32 %r9, [%d32];')
case('%r8,%r7,%d9', 'atom.global.add.v2.f32 {%r8, %r7}, [%d32], {%r2, %r3}; ld.global.b64 %d9, [%d32];')
case('%r8,%r7,%d9', 'atom.global.add.noftz.v2.f16x2 {%r8, %r7}, [%d32], {%r2, %r3}; ld.global.b64 %d9, [%d32];')
case('%d9', 'red.global.add.v2.f32 [%d32], {%r2, %r3}; ld.global.b64 %d9, [%d32];')
for o2 in ('add', 'min', 'max'):
    for t in ('f16', 'bf16', 'f16x2', 'bf16x2'):
        k = W[t]
        case(f'%{k}8,%{k}7,%d9', f'atom.global.{o2}.noftz.v2.{t} {{%{k}8, %{k}7}}, [%d32], {{%{k}2, %{k}3}}; ld.global.b64 %d9, [%d32];')
for op, t in (
    ('add', 'u32'),
    ('max', 's32'),
    ('min', 'u32'),
    ('and', 'b32'),
    ('or', 'b32'),
    ('xor', 'b32'),
):  # contended: the end is the same in any order
    case(
        '%r9',
        f'setp.eq.u32 %p4, %r30, 0; @%p4 st.shared.u32 [sh], 12345; bar.sync 0; red.shared.{op}.{t} [sh], %r0; bar.sync 0; ld.shared.u32 %r9, [sh];',
    )
case(
    '%d9',
    'setp.eq.u32 %p4, %r30, 0; @%p4 st.shared.u64 [sh], 12345; bar.sync 0; red.shared.add.u64 [sh], %d0; bar.sync 0; ld.shared.u64 %d9, [sh];',
)
# --- across lanes
case('%r9', 'vote.sync.ballot.b32 %r9, %p0, -1;')
for m in ('all', 'any', 'uni'):
    case('%p9', f'vote.sync.{m}.pred %p9, %p0, -1;')
    case('%p9', f'vote.sync.{m}.pred %p9, !%p0, 0xffffffff;')
    case(
        '%p9',
        f'mov.u32 %r4, %laneid; setp.lt.u32 %p4, %r4, 16; setp.eq.u32 %p5, %r4, 20; or.pred %p4, %p4, %p5; vote.sync.{m}.pred %p9, %p4, -1;',
    )
DIV = 'mov.u32 %r4, %laneid; and.b32 %r5, %r4, 5; setp.eq.u32 %p4, %r5, 1; mov.b32 %r9, 77; mov.pred %p9, 0; vote.sync.ballot.b32 %r6, %p4, -1; @!%p4 bra DONE; '
for b in (
    'vote.sync.ballot.b32 %r9, %p0, %r6;',
    'vote.sync.any.pred %p9, %p0, %r6;',
    'vote.sync.all.pred %p9, %p0, %r6;',
    'vote.sync.uni.pred %p9, %p0, %r6;',
    'match.any.sync.b32 %r9, %r30, %r6;',
    'match.all.sync.b32 %r9|%p9, %r31, %r6;',
    'redux.sync.add.u32 %r9, %r0, %r6;',
    'redux.sync.xor.b32 %r9, %r0, %r6;',
    'shfl.sync.idx.b32 %r9|%p9, %r0, 9, 31, %r6;',
    'elect.sync %r9|%p9, %r6;',
    'bar.warp.sync %r6; mov.b32 %r9, 5;',
):
    case('%r9,%p9', DIV + b + ' DONE:')
case('%r9', DIV + 'activemask.b32 %r9; DONE:')
case('%r9', 'activemask.b32 %r9;')
for mode in ('up', 'down', 'bfly', 'idx'):
    for w in (32, 16, 8, 4, 1):
        c = (32 - w) << 8 | (0 if mode == 'up' else 31)
        for s in (0, 1, 3, 16, 31, 33):
            case('%r9,%p9', f'shfl.sync.{mode}.b32 %r9|%p9, %r0, {s}, {c}, -1;')
    for c in ('0', '31', '7', '0x1f0f', '%r4'):
        case(
            '%r9', f'mov.u32 %r4, 0x1807; and.b32 %r5, %r1, 31; shfl.sync.{mode}.b32 %r9, %r0, %r5, {c}, 0xffffffff;'
        ) if mode == 'idx' else case('%r9,%p9', f'mov.u32 %r4, 0x1807; shfl.sync.{mode}.b32 %r9|%p9, %r0, 3, {c}, 0xffffffff;')
    case('%r9,%p9', f'mov.u32 %r4, %laneid; xor.b32 %r4, %r4, 9; shfl.sync.{mode}.b32 %r9|%p9, %r0, %r4, 0x1f, -1;')
case('%r9', 'and.b32 %r4, %r0, 3; match.any.sync.b32 %r9, %r4, -1;')
case('%r9', 'and.b64 %d4, %d0, 3; match.any.sync.b64 %r9, %d4, -1;')
case('%r9,%p9', 'and.b32 %r4, %r0, 1; match.all.sync.b32 %r9|%p9, %r4, -1;')
case('%r9,%p9', 'match.all.sync.b64 %r9|%p9, 7, -1;')
E('redux.sync.{add,min,max}.{u32,s32}', 'r=r', ', -1')
E('redux.sync.{and,or,xor}.b32', 'r=r', ', -1')
case('%r9,%p9', 'elect.sync %r9|%p9, -1;')
# --- special registers
for s in (
    'tid.x',
    'tid.y',
    'tid.z',
    'ntid.x',
    'ntid.y',
    'ntid.z',
    'ctaid.x',
    'ctaid.y',
    'ctaid.z',
    'nctaid.x',
    'nctaid.y',
    'nctaid.z',
    'laneid',
    'lanemask_eq',
    'lanemask_lt',
    'lanemask_le',
    'lanemask_gt',
    'lanemask_ge',
    'dynamic_smem_size',
    'total_smem_size',
    'clusterid.x',
    'nclusterid.x',
    'cluster_ctaid.x',
    'cluster_nctaid.x',
    'cluster_ctarank',
    'cluster_nctarank',
):
    case('%r9', f'mov.u32 %r9, %{s};')
case('%p9', 'mov.pred %p9, %is_explicit_cluster;')
case('%d9', 'mov.u64 %d9, %current_graph_exec;')
case('%h9', 'mov.u16 %h9, %tid.x;')
case('%r9', '.reg .v4 .u32 %v; mov.v4.u32 %v, %tid; add.u32 %r9, %v.x, %v.y;')
case('%r9', 'mov.u32 %r9, %clock; mov.u32 %r8, %clock; setp.eq.u32 %p4, %r8, %r9; selp.u32 %r9, 1, 0, %p4;')
case('%d9', 'cvt.u64.u32 %d9, %tid.x;')
# --- control flow and calls
FN = '.func (.reg .b32 o) f(.reg .b32 a, .reg .b32 b) { add.u32 o, a, b; mul.lo.u32 o, o, 7; ret; }'
case('%r9', FN + ' @@ call (%r9), f, (%r0, %r1);')
FP = '.func (.param .b64 o) g(.param .b64 a, .param .b32 n) { .reg .b64 %d<4>; .reg .b32 %r<2>; ld.param.b64 %d0, [a]; ld.param.b32 %r0, [n]; shl.b64 %d1, %d0, %r0; st.param.b64 [o], %d1; ret; }'
CALLG = '{ .param .b64 x; .param .b32 y; .param .b64 z; st.param.b64 [x], %d0; st.param.b32 [y], %r1; call.uni (z), g, (x, y); ld.param.b64 %d9, [z]; }'
case('%d9', FP + ' @@ ' + CALLG)
case('%d9', FP + ' @@ mov.b64 %d9, 3; @%p0 bra S; ' + CALLG + ' S:')
FR = '.func (.param .b32 o) fib(.param .b32 n) { .reg .pred %p; .reg .b32 %r<6>; ld.param.b32 %r0, [n]; setp.lt.u32 %p, %r0, 2; @%p bra B; sub.u32 %r1, %r0, 1; sub.u32 %r2, %r0, 2; { .param .b32 x; .param .b32 y; st.param.b32 [x], %r1; call.uni (y), fib, (x); ld.param.b32 %r3, [y]; } { .param .b32 x; .param .b32 y; st.param.b32 [x], %r2; call.uni (y), fib, (x); ld.param.b32 %r4, [y]; } add.u32 %r0, %r3, %r4; B: st.param.b32 [o], %r0; ret; }'
case(
    '%r9',
    FR + ' @@ and.b32 %r4, %r0, 7; { .param .b32 x; .param .b32 y; st.param.b32 [x], %r4; call.uni (y), fib, (x); ld.param.b32 %r9, [y]; }',
)
FS = '.func (.param .align 8 .b8 o[16]) s(.param .align 8 .b8 a[16]) { .reg .b64 %d<2>; .reg .b16 %h; ld.param.b64 %d0, [a]; ld.param.b64 %d1, [a+8]; st.param.b64 [o], %d1; st.param.b64 [o+8], %d0; ld.param.s8 %h, [a+3]; ret; }'
case(
    '%d9,%d8',
    FS
    + ' @@ { .param .align 8 .b8 x[16]; .param .align 8 .b8 y[16]; st.param.b64 [x], %d0; st.param.b64 [x+8], %d1; call.uni (y), s, (x); ld.param.b64 %d8, [y]; ld.param.b64 %d9, [y+8]; }',
)
F2 = '.func (.reg .b32 o) f1(.reg .b32 a) { add.u32 o, a, 1; ret; } .func (.reg .b32 o) f2(.reg .b32 a) { mul.lo.u32 o, a, 3; ret; }'
case(
    '%r9',
    F2
    + ' @@ P: .callprototype (.reg .b32 _) _ (.reg .b32 _); mov.u64 %d4, f1; mov.u64 %d5, f2; selp.b64 %d6, %d4, %d5, %p0; call (%r9), %d6, (%r0), P;',
)
case(
    '%r9',
    'and.b32 %r4, %r0, 3; mov.u32 %r9, 0; ts: .branchtargets A0, A1, A2, A3; brx.idx %r4, ts; A0: mov.u32 %r9, 5; bra DONE; A1: add.u32 %r9, %r1, 1; A2: add.u32 %r9, %r9, 100; bra DONE; A3: mov.u32 %r9, %r2; DONE:',
)
case(
    '%r9',
    'and.b32 %r4, %r0, 31; mov.u32 %r9, 0; mov.u32 %r5, 0; L: setp.ge.u32 %p4, %r5, %r4; @%p4 bra DONE; mad.lo.u32 %r9, %r9, 31, %r5; and.b32 %r6, %r9, 1; setp.eq.u32 %p5, %r6, 0; @%p5 add.u32 %r9, %r9, %r1; @!%p5 xor.b32 %r9, %r9, %r2; add.u32 %r5, %r5, 1; bra.uni L; DONE:',
)
case(
    '%r9',
    'mov.u32 %r9, 1; @%p0 bra A; mov.u32 %r9, 2; @%p1 bra B; mov.u32 %r9, 3; bra C; A: add.u32 %r9, %r9, 10; @%p2 bra C; B: add.u32 %r9, %r9, 100; @%p3 ret; C: add.u32 %r9, %r9, 1000;',
)
case(
    '%r9,%r8',
    'mov.u32 %r9, %r0; and.b32 %r5, %r1, 15; mov.u32 %r8, 0; O: mov.u32 %r6, 0; I: add.u32 %r8, %r8, 1; shf.l.wrap.b32 %r9, %r9, %r9, 5; add.u32 %r9, %r9, %r8; add.u32 %r6, %r6, 1; setp.lt.u32 %p4, %r6, %r5; @%p4 bra I; sub.u32 %r5, %r5, 3; setp.gt.s32 %p5, %r5, 0; @%p5 bra O;',
)
case('%r9', '{ .reg .b32 %r9x; mov.b32 %r9x, %r0; { .reg .b32 %r1; add.u32 %r1, %r9x, 1; mov.b32 %r9x, %r1; } add.u32 %r9, %r9x, %r1; }')
case(
    '%r9',
    '.global .align 4 .u32 gv[4] = {1, 2, 0xffffffff, 4}; .global .align 4 .f32 gf[2] = {1.5, 0f40000000}; @@ and.b32 %r4, %r0, 12; cvt.u64.u32 %d4, %r4; mov.u64 %d5, gv; add.u64 %d5, %d5, %d4; ld.global.u32 %r9, [%d5]; ld.global.f32 %r8, [gf+4]; add.u32 %r9, %r9, %r8;',
)
case(
    '%d9',
    '.global .align 8 .b64 gq[2] = {11, 12}; .global .align 8 .u64 gp[2] = {generic(gq), gq+8}; @@ ld.global.u64 %d4, [gp]; ld.u64 %d5, [%d4+8]; ld.global.u64 %d6, [gp+8]; ld.global.u64 %d7, [%d6]; add.u64 %d9, %d5, %d7;',
)


# ---------------------------------------------------------------- inputs
class Random:
    def __init__(s, x):
        s.x = x

    def bits(s):
        s.x = (s.x + 0x9E3779B97F4A7C15) & (2**64 - 1)
        z = s.x
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & (2**64 - 1)
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & (2**64 - 1)
        return z ^ (z >> 31)


HALVES = [
    0,
    1,
    2,
    0x3FF,
    0x400,
    0x401,
    0x7BFF,
    0x7C00,
    0x7C01,
    0x7E00,
    0x7FFF,
    0x8000,
    0x8001,
    0xBC00,
    0x3C00,
    0x3C01,
    0x3800,
    0xFC00,
    0xFFFF,
    0x7F80,
    0x7F81,
    0x3F80,
    0xBF80,
    0x4248,
    0x007F,
    0x0080,
    0x7F7F,
    0xFF80,
    0xFBFF,
    0x83FF,
    0x5BFF,
    0x5C00,
]
WORDS = [
    0,
    1,
    2,
    0x7FFFFF,
    0x800000,
    0x800001,
    0x7F7FFFFF,
    0x7F800000,
    0x7F800001,
    0x7FC00000,
    0x7FFFFFFF,
    0x80000000,
    0x80000001,
    0x807FFFFF,
    0x80800000,
    0xFF800000,
    0xFFC00001,
    0xFFFFFFFF,
    0x3F800000,
    0xBF800000,
    0x3F000000,
    0x4B000001,
    0x4F000000,
    0xCF000000,
    0x4EFFFFFF,
    0x5F000000,
    0xDF000000,
    0x5F800000,
    0x3EFFFFFF,
    0x40200000,
    0x477FF000,
    0x477FEFFF,
    0x7E800001,
    0x33000000,
    0x33000001,
    0x33800000,
    0x387FC000,
    0x387FE000,
    0x42B20000,
    0xC2FC0000,
    0xC3150000,
    0x4F7FFFFF,
    0x7F7F8000,
    0x7F7F7FFF,
    0x43E00000,
    0x43E80000,
    0x47600000,
    0x3A800000,
]
DOUBLES = [
    0,
    1,
    0xFFFFFFFFFFFFF,
    0x10000000000000,
    0x7FEFFFFFFFFFFFFF,
    0x7FF0000000000000,
    0x7FF0000000000001,
    0x7FF8000000000000,
    0x7FFFFFFFFFFFFFFF,
    1 << 63,
    (1 << 63) | 1,
    0xFFF0000000000000,
    0xFFFFFFFFFFFFFFFF,
    0xFFF0000000000001,
    0x3FF0000000000000,
    0xBFF0000000000000,
    0x3FF0000000000001,
    0x3FE0000000000000,
    0x41E0000000000000,
    0xC1E0000000000000,
    0x41DFFFFFFFC00000,
    0x41EFFFFFFFE00000,
    0x43E0000000000000,
    0xC3E0000000000000,
    0x43F0000000000000,
    0x4004000000000000,
    0x47EFFFFFE0000000,
    0x47EFFFFFF0000000,
    0x47EFFFFFEFFFFFFF,
    0x36A0000000000000,
    0x3690000000000000,
    0x3690000000000001,
    0x3810000000000000,
    0x380FFFFFFFFFFFFF,
    0x800FFFFFFFFFFFFF,
    0x7FF0000000000000 | (1 << 29),
    0x40EFFC0000000000,
    0x40EFE00000000000,
]
M = 2**64 - 1


def operand(rnd, prev):
    k, x = rnd.bits() % 26, rnd.bits()
    y = rnd.bits()
    if k == 0:
        return x
    if k == 1:
        return x % 80
    if k == 2:
        return -(x % 80) & M
    if k in (3, 4):
        return DOUBLES[x % len(DOUBLES)]
    if k in (5, 6):
        return WORDS[x % len(WORDS)] | WORDS[(x >> 32) % len(WORDS)] << 32
    if k in (7, 24):
        return sum(HALVES[(x >> s) % 32] << s for s in (0, 16, 32, 48))
    if k == 8:
        return x & 0x83FFFFFF83FFFFFF | 0x3C0000003C000000
    if k == 9:
        return x & 0x803FFFFFFFFFFFFF | 0x3FC0000000000000
    if k == 10:
        return prev ^ (x & 0x8000800080008003)
    if k == 11:
        return x & 0x83FF83FF83FF83FF | 0x3C003C003C003C00
    if k == 12:
        return prev ^ 0x8000000080000000 ^ (x & 0x0000000700000007)
    if k == 13:
        return x & 0x807FFFFF807FFFFF
    if k == 14:
        return x & 0x800FFFFFFFFFFFFF
    if k == 15:
        return (x & 63) | (x >> 8 & 63) << 32
    if k == 16:
        return sum(((x >> s & 0x807FFFFF) | (118 + (y >> s) % 64) << 23) << s for s in (0, 32))
    if k == 17:
        return x & 0x800FFFFFFFFFFFFF | (1015 + y % 80) << 52
    if k == 18:
        return struct.unpack('<Q', struct.pack('<ff', (x % 4001 - 2000) / 2, (y % 1001 - 500) / 2))[0]
    if k == 19:
        return struct.unpack('<Q', struct.pack('<d', (x % 4001 - 2000) / 2))[0]
    if k == 20:
        return x & 0xFFFFE000FFFFE000 & 0x807FFFFF807FFFFF | 0x0000100000001000 | ((100 + y % 46) << 23) | ((100 + (y >> 32) % 46) << 55)
    if k == 21:
        return x & 0xFFFF0000FFFF0000 | 0x0000800000008000
    if k == 22:
        return x & 0x800FFFFFE0000000 | 0x10000000 | (870 + y % 300) << 52
    if k == 23:
        return (x & 0xFFFF) * 0x0001000100010001
    return x & 0x8FFF8FFF8FFF8FFF | 0x3000300030003000


def f32(x):
    try:
        return struct.unpack('<I', struct.pack('<f', x))[0]
    except OverflowError:
        return 0x7F7FFFFF if x > 0 else 0xFF7FFFFF


def of32(b):
    return struct.unpack('<f', struct.pack('<I', b))[0]


def f16(x):
    try:
        return struct.unpack('<H', struct.pack('<e', x))[0]
    except OverflowError:
        return 0x7BFF if x > 0 else 0xFBFF


def of16(b):
    return struct.unpack('<e', struct.pack('<H', b))[0]


def f64(x):
    return struct.unpack('<Q', struct.pack('<d', x))[0]


def of64(b):
    return struct.unpack('<d', struct.pack('<Q', b))[0]


def edge(rnd, k):
    """Operands whose product, quotient, sum or conversion lies next to the smallest normal, the largest finite number or a tie."""
    bits, tiny, huge, to, of = [
        (24, 2.0**-126, 2.0**127 * 1.99999994, f32, of32),
        (11, 2.0**-14, 65504.0, f16, of16),
        (53, 2.0**-1022, 1.7976931348623157e308, f64, of64),
    ][k % 3]
    r = lambda n: rnd.bits() % n
    sign = lambda x: -x if r(2) else x
    ulp = 2.0**-bits
    d = r(9) - 4
    goal = [tiny * (1 + d * ulp), tiny * (0.5 + d * ulp), huge, 1 + d * ulp, tiny * ulp * (1 + r(7)), tiny * (1 - ulp)][r(6)]
    span = {24: 60, 11: 6, 53: 500}[bits]
    a = (1 + r(2 ** (bits - 1)) * 2 * ulp) * 2.0 ** (r(span) - span // 2)
    kind = r(4)
    try:
        if kind == 0:
            a, b, c = a, goal / a, tiny * ulp * d  # product
        elif kind == 1:
            a, b, c = of(to(goal * a)), a, goal  # quotient
        elif kind == 2:
            a, b, c = a, goal / a * (1 + d * ulp), -goal * (1 + r(3) * ulp)  # fused: cancels
        else:
            a, b, c = goal, tiny * ulp * d * 2, goal  # sum, conversion
        words = [to(sign(x)) for x in (a, b, c)]
    except (ZeroDivisionError, OverflowError):
        words = [to(a), to(1.0), to(tiny)]
    if bits == 53 and kind == 3:  # conversions from double: next to the edges of the narrow formats
        t = [2.0**-126, 2.0**-149, 2.0**-14, 2.0**-24, 65504.0, 65520.0, 2.0**127 * 1.99999994, 2.0**-133, 1.0, 3.3961775292304957e38][
            r(10)
        ]
        words[0] = f64(sign(t * (1 + d * 2.0 ** -(9 + r(20)))))
    if bits == 24 and kind == 3 and r(2):
        t = [2.0**-14, 2.0**-24, 65504.0, 65520.0, 2.0**-133, 1.0, 57344.0, 448.0, 2.0**-9, 2.0**-16][r(10)]
        words[0], words[1] = f32(sign(t * (1 + d * 2.0 ** -(4 + r(19))))), f32(sign(t * (1 + d * 2.0 ** -(4 + r(19)))))
    if bits == 24:
        return [w | (rnd.bits() & 0xFFFFFFFF) << 32 for w in words] + [words[0] | words[1] << 32]
    if bits == 11:
        return [w | words[(i + 1) % 3] << 16 | words[(i + 2) % 3] << 32 for i, w in enumerate(words)] + [words[2]]
    return words + [words[1]]


def inputs():
    """All operand sets, four 64-bit words each: mixed values, then values at the edges of the formats."""
    rnd, words = Random(7), []
    for _ in range(4096):
        previous = 0x3F8000003F800000
        for _ in range(4):
            previous = operand(rnd, previous)
            words.append(previous)
    for k in range(2048):
        words += edge(rnd, k)
    return struct.pack(f'<{len(words)}Q', *words)
