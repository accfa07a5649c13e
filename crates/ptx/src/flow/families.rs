//! How functions of CUDA's mathematical library are recognised in what nvcc (CUDA 5 to 13) expands in place: by the
//! constants of their polynomials and reductions. Constants are the bits of binary32 without sign.

/// A function, or several that share their constants.
pub(super) struct Family {
    /// Constants that only this function has.
    pub own: &'static [u32],
    /// Constants of which one instruction alone says that it is this function.
    pub alone: &'static [u32],
    /// How many of them it has at least.
    pub least: usize,
    /// Two constants that only this function has in one instruction.
    pub pair: Option<[u32; 2]>,
    /// Constants that may also stand elsewhere, at the beginning.
    pub opening: &'static [u32],
    /// The same at the end.
    pub closing: &'static [u32],
    /// How many instructions without a constant may stand between two with one.
    pub gap: u32,
    /// How many f32 instructions of the function follow, at most, after one with this constant; signs do not count.
    pub tails: &'static [(u32, u8)],
    /// How many stand before it, at most, counted back to the function's argument or its absolute value.
    pub heads: &'static [(u32, u8)],
    /// A constant without which it is another function.
    pub needs: Option<u32>,
}

/// log2(e), with which an exponential begins.
const LOG2_E: u32 = 0x3FB8_AA3B;
/// ln(2), with which a logarithm ends.
const LN_2: u32 = 0x3F31_7218;
/// 1 / ln(10), with which log10f ends.
const LOG10_E: u32 = 0x3EDE_5BD9;
/// pi, from which an arc is taken.
const PI: u32 = 0x4049_0FDB;
/// 2^-23, which makes a number of an exponent's bits.
pub(super) const EPSILON: u32 = 0x3400_0000;

const NONE: Family = Family {
    own: &[],
    alone: &[],
    least: 2,
    pair: None,
    opening: &[],
    closing: &[],
    gap: 1,
    tails: &[],
    heads: &[],
    needs: None,
};

/// Logarithms: a NaN or an infinity is made by `fma(x, inf, inf)`, log1pf begins with `add.rz`.
pub(super) const LOGARITHMS: usize = 1;
/// Powers: they look at the kind of both arguments.
pub(super) const POWERS: usize = 2;
/// Sines: big arguments are reduced in integers and binary64.
pub(super) const SINES: usize = 3;
/// sinpif and cospif.
pub(super) const HALF_TURNS: usize = 4;
/// Families that look at size, sign and kind of their arguments: powf, sinhf, erfcf, normcdff, arcs.
pub(super) const JUDGING: &[usize] = &[POWERS, 6, 8, 9, 10];

#[rustfmt::skip]
pub(super) const FAMILIES: &[Family] = &[
    // expf, exp10f, expm1f, sinhf, coshf: the last two end in up to five instructions behind the reduction.
    Family {
        own: &[
            0x3BBB_989D, 0x4B40_0001, 0x4B40_007F, 0x4B40_007D, 0x32A5_7060, 0x3C57_FA62, 0x3397_9A37, 0x3F31_7217,
            0x3377_D1CF, 0x3102_E308, 0x3F31_7200, 0x35BF_BE8E, 0x3C09_1356, 0x3AB5_B2C6, 0x3D2A_A9AF, 0x3E2A_AA59,
            0x3F00_0003, 0x3C09_5663, 0x3AB5_EBE6, 0x3D2A_ABE3, 0x3E2A_A9F6, 0x3EFF_FFFE,
        ],
        opening: &[LOG2_E, 0x4054_9A78, LN_2],
        gap: 3,
        tails: &[
            (0x32A5_7060, 2), (0x3397_9A37, 2), (0x35BF_BE8E, 3), (0x3102_E308, 5), (0x3F00_0003, 4), (0x3EFF_FFFE, 4),
        ],
        ..NONE
    },
    // logf, log2f, log10f, log1pf, and asinhf, acoshf and atanhf, which end as log1pf does.
    Family {
        own: &[
            0x4B00_0000, EPSILON, 0x3E10_39F6, 0x3E05_5027, 0x3DF8_CDCC, 0x3E0F_2955, 0x3E2A_D8B9, 0x3E4C_ED0B,
            0x3E7F_FF22, 0x3EAA_AA78, 0x3E2C_7F30, 0x3DC6_B27F, 0x3E2F_CF2A, 0x3E37_4E43, 0x3E52_0BF4, 0x3E76_3C8B,
            0x3E93_BF99, 0x3EB8_AA49, 0x3EF6_384A, 0x3F38_AA3B, 0x3DD8_0012, 0x3D39_BF78, 0x3E07_78E0, 0x3E14_6475,
            0x3E2A_68DD, 0x3E4C_AF9E, 0x3E80_0042, 0x3EAA_AAE6,
        ],
        least: 4,
        pair: Some([0x3E80_0000, 0x3F80_0000]),
        closing: &[LN_2, LOG10_E, LOG2_E],
        gap: 3,
        tails: &[(LN_2, 0), (LOG10_E, 0), (0x3F38_AA3B, 4)],
        ..NONE
    },
    // powf; that of CUDA 11 and before has the logarithm of the second row and ends in an exponential.
    Family {
        own: &[
            0x4B80_0000, EPSILON, 0x3B52_E7DB, 0x3A2C_32E4, 0x3C93_BB73, 0x3DF6_384F, 0x32A5_5E34, 0x3AAF_85ED,
            0x391F_CB8E, 0x3C1D_9856, 0x3D63_57BB, 0x3E75_FDEC,
            0x3C4C_AF63, 0x3B18_F0FE, 0x3DAA_AABD, 0x3900_0000, 0x3700_0000, 0x3F31_7200, 0x35BF_BE8E, 0x3102_E308,
        ],
        least: 5,
        opening: &[LOG2_E, LN_2],
        gap: 12,
        tails: &[(0x3E75_FDEC, 4), (0x3102_E308, 4)],
        heads: &[(0x3B18_F0FE, 8), (0x3DAA_AABD, 8)],
        ..NONE
    },
    // sinf, cosf, tanf, sincosf; in CUDA 11 sinpif and cospif too.
    Family {
        own: &[
            0x3F22_F983, 0x3FC9_0FDA, 0x33A2_2168, 0x27C2_34C5, 0x394D_4153, 0x3AB6_07ED, 0x37CB_AC00, 0x3C08_85E4,
            0x3D2A_AABB, 0x3E2A_AAA8, 0x3EFF_FFFF, 0x3B56_0000, 0x3C19_0000, 0x3CC7_0000, 0x3D5B_0000, 0x3E08_9438,
            0x3EAA_AA88, 0x3422_2169,
        ],
        gap: 3,
        tails: &[(0x3E2A_AAA8, 1), (0x3EFF_FFFF, 1), (0x3EAA_AA88, 2)],
        heads: &[(0x3422_2169, 5)],
        ..NONE
    },
    // sinpif, cospif.
    Family {
        own: &[
            0x3F17_ACC9, 0x3FAA_D2E0, 0x3E68_4E12, 0x4023_3590, 0x4081_E0CF, 0x40A5_5DF6, 0x409D_E9E6,
        ],
        tails: &[(0x40A5_5DF6, 3), (0x409D_E9E6, 3)],
        heads: &[(0x3FAA_D2E0, 5), (0x3E68_4E12, 5)],
        ..NONE
    },
    // tanhf: an exponential of 2 log2(e) |x|, a polynomial near 0.
    Family {
        own: &[0x3D56_3CAE, 0x3C80_F082, 0x3E08_5941, 0x3EAA_A9ED],
        alone: &[0x4038_AA3B],
        tails: &[(0x4038_AA3B, 4), (0x3EAA_A9ED, 2)],
        heads: &[(0x4038_AA3B, 1), (0x3C80_F082, 1)],
        ..NONE
    },
    // sinhf near 0.
    Family {
        own: &[0x394F_FF49, 0x363D_0ADA, 0x3C08_889A, 0x3E2A_AAAB],
        tails: &[(0x3E2A_AAAB, 2)],
        heads: &[(0x363D_0ADA, 1)],
        ..NONE
    },
    // erff, in three editions.
    Family {
        own: &[
            0x388E_49B7, 0x388D_8E09, 0x3A73_C723, 0x3A48_7A7D, 0x3BE3_E044, 0x3BA8_86C1, 0x3D19_B6F7, 0x3CDB_C4CF,
            0x3E20_72AB, 0x3DE7_12BB, 0x3F6A_18F3, 0x3EC0_9388, 0x3F20_F3EB, 0x3E03_75D4,
            0x38EB_4C3A, 0x38B1_E96A, 0x3AAE_005B, 0x3A57_4D20, 0x3C09_919F, 0x3BAA_D5EA, 0x3D24_D99A, 0x3CDC_1BE7,
            0x3E23_5519, 0x3DE7_18AF, 0x3F69_B4F9, 0x3EC0_93AC, 0x3F21_0A14, 0x3E03_75D3,
            0x3789_CA3C, 0x39F5_60B9, 0x3BAC_840B, 0x3D0C_8162, 0x3E1C_F906, 0x3F6A_937E, 0x3F20_D842,
        ],
        tails: &[(0x3F20_F3EB, 3), (0x3F21_0A14, 3), (0x3F20_D842, 3)],
        heads: &[(0x388E_49B7, 1), (0x38EB_4C3A, 1), (0x3789_CA3C, 1)],
        ..NONE
    },
    // erfcf.
    Family {
        own: ERFC,
        gap: 2,
        tails: &[(0x3F9D_D2C9, 7), (0x3102_E308, 6)],
        heads: &[(0x3A69_A091, 9)],
        ..NONE
    },
    // normcdff: erfcf of an argument scaled by 1 / sqrt(2) in two pieces, and halved.
    Family {
        own: ERFC,
        gap: 2,
        tails: &[(0x3F9D_D2C9, 10), (0x3102_E308, 9)],
        heads: &[(0x3A69_A091, 9)],
        needs: Some(0x324F_E77A),
        ..NONE
    },
    // atanf, asinf, acosf, atan2f.
    Family {
        own: &[
            0x3C6B_E14F, 0x3B20_90AA, 0x3D23_397E, 0x3D94_8A7A, 0x3DD7_6B21, 0x3E11_1E88, 0x3E4C_AF60, 0x3EAA_AA27,
            0x3C99_CA97, 0x3D4D_D2F7, 0x3D3F_90E8, 0x3D99_3CCF, 0x3E2A_AC04, 0x3C8B_1ABB, 0x3D10_ECEF, 0x3CFC_028C,
            0x3D37_2139, 0x3D99_93DB, 0x3E2A_AAC6, 0x3C80_7748, 0x3B33_710B, 0x3D2C_DAB2, 0x3D99_2D10, 0x3DD9_EA6C,
            0x3E11_7CB1, 0x3E4C_BCE0, 0x3EAA_AA7D,
            0x3C94_D2E9, 0x3D53_F941, 0x3D3F_841F, 0x3D99_4929, 0x3E2A_AB94,
            0x40B5_9883, 0x3F52_C7EA, 0x40D2_1907, 0x4135_5DC0, 0x41E6_BD60, 0x419D_92C8,
        ],
        closing: &[PI],
        gap: 2,
        tails: &[
            (0x3E2A_AB94, 3),
            (0x3EAA_AA27, 3), (0x3E2A_AC04, 4), (0x3E2A_AAC6, 4), (0x3EAA_AA7D, 5), (0x419D_92C8, 4), (0x40D2_1907, 5),
        ],
        heads: &[
            (0x3D53_F941, 4), (0x3B20_90AA, 2), (0x3B33_710B, 2), (0x3D4D_D2F7, 7), (0x3D10_ECEF, 7), (0x3F52_C7EA, 3), (0x4135_5DC0, 2),
        ],
        ..NONE
    },
];

const ERFC: &[u32] = &[
    0x3BE6_E05B,
    0x3A69_A091,
    0x3C81_FB4B,
    0x3D15_373B,
    0x3D88_7C5A,
    0x3DC0_21D5,
    0x3DCE_D424,
    0x3D8B_74DE,
    0x3C7B_F170,
    0x3E0E_F8D4,
    0x3F9D_D2C9,
    0x3F35_04F3,
    0x324F_E77A,
    0x3102_E308,
];

/// Numbers with which these functions compare their argument or what they make of it, and hardly anyone else does.
#[rustfmt::skip]
pub(super) const THRESHOLDS: &[u32] = &[
    0x0080_0000, 0x4B00_0000, 0x7E80_0000, 0x7F80_0000, 0x47CE_4780, 0x4B80_0000, 0x3F19_999A, 0x4110_2CB4, 0x42B1_7218,
    0x41C8_0000, 0x4300_0000, 0x3ED1_EB85, 0x42FC_0000, 0x42B4_0000, 0x4318_0000, 0x3F80_7B28, 0x3F80_60FE, 0x4120_E148,
    0x4168_0000, 0x3F0F_5C29, 0x3F11_EB85, 0x3A00_B43C, 0x42D2_0000, 0x3FB5_04F3, 0x77F6_84DF,
];
