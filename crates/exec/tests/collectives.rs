//! Shuffles, votes, match, redux and elect: the results of an H200 (`collectives/h200.txt`), and random groups of
//! lanes, spread over several branches, against a model that knows nothing of splits and masks of the engine.

#[path = "reference/device.rs"]
mod device;
#[path = "reference/rng.rs"]
mod rng;

use device::Device;
use exec::Arena;
use exec::TrapKind;
use rng::Rng;
use std::collections::HashMap;

const LANES: usize = 32;

/// Name and PTX of every kind: predicate `%p1`, value `%r1`, lane or distance `%r2`, mask `%r3`; the result in `%r4`.
const KINDS: &[(&str, &str)] = &[
    ("ballot", "vote.sync.ballot.b32 %r4, %p1, %r3;"),
    (
        "all",
        "vote.sync.all.pred %p2, %p1, %r3;\nselp.u32 %r4, 1, 0, %p2;",
    ),
    (
        "any",
        "vote.sync.any.pred %p2, %p1, %r3;\nselp.u32 %r4, 1, 0, %p2;",
    ),
    (
        "uni",
        "vote.sync.uni.pred %p2, %p1, %r3;\nselp.u32 %r4, 1, 0, %p2;",
    ),
    ("match_any", "match.any.sync.b32 %r4, %r1, %r3;"),
    (
        "match_all",
        "match.all.sync.b32 %r4|%p2, %r1, %r3;\nselp.u32 %r5, 0x80000000, 0, %p2;\nxor.b32 %r4, %r4, %r5;",
    ),
    ("redux_add", "redux.sync.add.u32 %r4, %r1, %r3;"),
    ("redux_max", "redux.sync.max.u32 %r4, %r1, %r3;"),
    ("redux_xor", "redux.sync.xor.b32 %r4, %r1, %r3;"),
    ("shfl_idx", "shfl.sync.idx.b32 %r4, %r1, %r2, 31, %r3;"),
    ("shfl_down", "shfl.sync.down.b32 %r4, %r1, %r2, 31, %r3;"),
    ("shfl_xor", "shfl.sync.bfly.b32 %r4, %r1, %r2, 31, %r3;"),
    ("shfl_up", "shfl.sync.up.b32 %r4, %r1, %r2, 0, %r3;"),
    ("elect", "elect.sync %r4|%p2, %r3;\nselp.u32 %r4, %r4, 100, %p2;"),
];

fn ptx_of(kind: &str) -> &'static str {
    KINDS.iter().find(|(n, _)| *n == kind).map(|(_, t)| *t).unwrap()
}

/// What a lane reads: mask, predicate, value, lane or distance, path (see [`kernel`]).
type Inputs = [[u32; LANES]; 5];

/// A kernel whose lanes end (path 0), or reach the instruction in branch 1, 2 or 3 of the code (a branch's number times
/// `plus` is added to the result), or go around it (path 4). In `rounds` rounds, each with a table of its own.
fn kernel(kind: &str, plus: u32, rounds: usize) -> String {
    let mut t = String::from(
        ".visible .entry k(.param .u64 a, .param .u64 b)\n{\n.reg .pred %p<8>; .reg .b32 %r<16>; .reg .b64 %rd<8>;\n\
         ld.param.u64 %rd0, [a];\nld.param.u64 %rd1, [b];\nmov.u32 %r0, %tid.x;\nmul.wide.u32 %rd2, %r0, 4;\n\
         add.u64 %rd0, %rd0, %rd2;\nadd.u64 %rd1, %rd1, %rd2;\nmov.u32 %r9, 0;\nROUND:\n",
    );
    t += "ld.global.u32 %r3, [%rd0];\nld.global.u32 %r6, [%rd0+128];\nld.global.u32 %r1, [%rd0+256];\n\
          ld.global.u32 %r2, [%rd0+384];\nld.global.u32 %r7, [%rd0+512];\nsetp.ne.u32 %p1, %r6, 0;\n\
          setp.eq.u32 %p3, %r7, 0;\n@%p3 exit;\n";
    for branch in 1..4 {
        t += &format!("setp.eq.u32 %p4, %r7, {branch};\n@%p4 bra B{branch};\n");
    }
    t += "bra NEXT;\n";
    for branch in 1..4 {
        t += &format!(
            "B{branch}:\n{}\nadd.u32 %r4, %r4, {};\nst.global.u32 [%rd1], %r4;\nbra NEXT;\n",
            ptx_of(kind),
            plus * (branch - 1)
        );
    }
    t + &format!(
        "NEXT:\nadd.u64 %rd0, %rd0, 640;\nadd.u64 %rd1, %rd1, 128;\nadd.u32 %r9, %r9, 1;\n\
         setp.lt.u32 %p5, %r9, {rounds};\n@%p5 bra ROUND;\nret;\n}}\n"
    )
}

/// What the lanes wrote, or the trap.
fn run(text: &str, rounds: &[Inputs]) -> Result<Vec<[u32; LANES]>, TrapKind> {
    let device = Device::new(text, 1);
    let bytes = |words: &mut dyn Iterator<Item = u32>| words.flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
    let table = bytes(&mut rounds.iter().flatten().flatten().copied());
    let at = device.buffer(table.len() as u64);
    device.memory.write(at, &table).unwrap();
    let out = device.buffer(128 * rounds.len() as u64);
    let nothing = bytes(&mut std::iter::repeat_n(0xdead, LANES * rounds.len()));
    device.memory.write(out, &nothing).unwrap();
    if let Some(trap) = device.launch(1, LANES as u32, &[at, out]).trap {
        return Err(trap.kind);
    }
    let words = device.bytes(out, nothing.len());
    let word = |k: usize| u32::from_le_bytes(std::array::from_fn(|b| words[4 * k + b]));
    Ok((0..rounds.len())
        .map(|r| std::array::from_fn(|l| word(r * LANES + l)))
        .collect())
}

/// The inputs of a case of `h200.txt`.
fn inputs(case: &str) -> Inputs {
    let lanes = |f: &dyn Fn(u32) -> u32| -> [u32; LANES] { std::array::from_fn(|l| f(l as u32)) };
    let predicate = lanes(&|i| u32::from(i < 20));
    let plain = lanes(&|i| i * 37 % 11 + (i >> 4) * 100);
    let numbered = lanes(&|i| 1000 + i);
    let (all, one) = (lanes(&|_| u32::MAX), lanes(&|_| 1));
    // The other branch has values that are larger by one.
    let branches = |first: &dyn Fn(u32) -> bool, source| {
        let path = lanes(&|i| if first(i) { 1 } else { 2 });
        let value = std::array::from_fn(|l| plain[l] + path[l] - 1);
        [all, predicate, value, lanes(&|_| source), path]
    };
    let masks = |f: &dyn Fn(u32) -> u32| [lanes(f), predicate, plain, one, one];
    let eight = |mask: u32, source, other| {
        let path = lanes(&|i| if i < 8 { 1 } else { other });
        [lanes(&|_| mask), predicate, numbered, lanes(&|_| source), path]
    };
    match case {
        "halves" => masks(&|i| 0xffff << (i & 16)),
        "even-odd" => masks(&|i| 0x5555_5555 << (i & 1)),
        "fours" => masks(&|i| 0xf << (i & 28)),
        "single" => masks(&|i| 1 << i),
        "ragged" => masks(&|i| match i {
            0..7 => 0x7f,
            7..30 => 0x3fff_ff80,
            _ => 0xc000_0000,
        }),
        "not-in-mask" => masks(&|_| 0xfffe),
        "zero-mask" => masks(&|_| 0),
        "branches" => branches(&|i| i % 3 == 0, 1),
        "branches-halves" => branches(&|i| i < 16, 4),
        "partial-16" => eight(0xff, 16, 4),
        "partial-2" => eight(0xff, 2, 4),
        "exited-2" => eight(u32::MAX, 2, 0),
        "exited-16" => eight(u32::MAX, 16, 0),
        "outside-16" => [
            lanes(&|i| if i < 16 { 0xffff } else { 0xffff_0000 }),
            predicate,
            numbered,
            lanes(&|_| 16),
            one,
        ],
        "outside-5" => [
            lanes(&|i| 0x5555_5555 << (i & 1)),
            predicate,
            numbered,
            lanes(&|_| 5),
            one,
        ],
        _ => panic!("no such case: {case}"),
    }
}

#[test]
fn results_are_those_of_an_h200() {
    let mut compared = 0;
    for line in include_str!("collectives/h200.txt")
        .lines()
        .filter(|l| !l.starts_with('#'))
    {
        let mut words = line.split(' ');
        let (case, kind) = (words.next().unwrap(), words.next().unwrap());
        let expected: Vec<&str> = words.collect();
        match run(&kernel(kind, 1_000_000, 1), &[inputs(case)]) {
            Ok(got) => {
                let got: Vec<String> = got[0].iter().map(|w| format!("{w:x}")).collect();
                assert_eq!(got, expected, "{case} {kind}");
            }
            Err(trap) => {
                assert_eq!(expected, ["trap"], "{case} {kind}: {trap:?}");
                assert!(
                    matches!(trap, TrapKind::IllegalSync { .. }),
                    "{case} {kind}: {trap:?}"
                );
            }
        }
        compared += 1;
    }
    assert_eq!(compared, 15 * KINDS.len());
}

/// What a lane of a group gets; None where that is open (a shuffle out of the group).
fn model(kind: &str, group: &[usize], l: usize, i: &Inputs) -> Option<u32> {
    let [_, p, v, b, _] = i;
    let bits = |f: &dyn Fn(usize) -> bool| group.iter().filter(|k| f(**k)).map(|k| 1u32 << k).sum::<u32>();
    let values = group.iter().map(|k| v[*k]);
    let yes = bits(&|k| p[k] != 0);
    let all = bits(&|_| true);
    let shuffled = |from: i64| match from {
        0..=31 if !group.contains(&(from as usize)) => None,
        0..=31 => Some(v[from as usize]),
        _ => Some(v[l]),
    };
    Some(match kind {
        "ballot" => yes,
        "all" => u32::from(yes == all),
        "any" => u32::from(yes != 0),
        "uni" => u32::from(yes == 0 || yes == all),
        "match_any" => bits(&|k| v[k] == v[l]),
        "match_all" if values.clone().all(|x| x == v[l]) => all ^ 0x8000_0000,
        "match_all" => 0,
        "redux_add" => values.fold(0, u32::wrapping_add),
        "redux_max" => values.max().unwrap_or(0),
        "redux_xor" => values.fold(0, |a, b| a ^ b),
        "shfl_idx" => return shuffled(i64::from(b[l] & 31)),
        "shfl_down" => return shuffled(l as i64 + i64::from(b[l] & 31)),
        "shfl_xor" => return shuffled((l as u32 ^ b[l] & 31).into()),
        "shfl_up" => return shuffled(l as i64 - i64::from(b[l] & 31)),
        "elect" if group.iter().min() == Some(&l) => l as u32,
        "elect" => 100,
        _ => panic!("no such kind: {kind}"),
    })
}

/// Groups of lanes as programs make them: tiles, interleaved, or any.
fn group_of(rng: &mut Rng) -> [u32; LANES] {
    let tile = rng.pick(&[1, 2, 4, 8, 16, 32]);
    match rng.below(3) {
        0 => std::array::from_fn(|l| l as u32 / tile),
        1 => std::array::from_fn(|l| l as u32 % tile),
        _ => std::array::from_fn(|_| rng.below(tile)),
    }
}

#[test]
fn groups_work_together_wherever_their_lanes_are() {
    let mut rng = Rng::new(3);
    let mut compared = HashMap::new();
    for (kind, _) in KINDS {
        for _ in 0..120 {
            let mut ended = [false; LANES];
            let (mut rounds, mut expected) = (Vec::new(), Vec::new());
            for _ in 0..4 {
                let groups = group_of(&mut rng);
                let branches = rng.pick(&[1, 1, 2, 3]);
                let away = rng.pick(&[0, 0, 20]);
                let leaving = rng.pick(&[0, 0, 5]);
                let mut i: Inputs = [[0; LANES]; 5];
                let distinct = rng.pick(&[1, 2, 40]);
                let same = rng.below(32);
                let same_distance = rng.chance(50);
                for l in 0..LANES {
                    i[1][l] = u32::from(rng.chance(70));
                    i[2][l] = rng.below(distinct) + 10;
                    i[3][l] = if same_distance { same } else { rng.below(32) };
                    i[4][l] = 1 + rng.below(branches);
                    ended[l] |= rng.chance(leaving);
                    if ended[l] {
                        i[4][l] = 0;
                    } else if rng.chance(away) {
                        i[4][l] = 4;
                    }
                }
                // A mask may name lanes that have ended, and must not name those that go around.
                for l in 0..LANES {
                    i[0][l] = (0..LANES)
                        .filter(|k| groups[*k] == groups[l] && i[4][*k] != 4)
                        .map(|k| 1 << k)
                        .sum();
                }
                let answer: [Option<u32>; LANES] = std::array::from_fn(|l| {
                    if matches!(i[4][l], 0 | 4) {
                        return Some(0xdead);
                    }
                    let takes_part = |k: &usize| groups[*k] == groups[l] && !matches!(i[4][*k], 0 | 4);
                    let group: Vec<usize> = (0..LANES).filter(takes_part).collect();
                    model(kind, &group, l, &i)
                });
                rounds.push(i);
                expected.push(answer);
            }
            let got = run(&kernel(kind, 0, rounds.len()), &rounds)
                .unwrap_or_else(|t| panic!("{kind}: {t}\n{rounds:?}"));
            for (r, (got, expected)) in got.iter().zip(&expected).enumerate() {
                for l in 0..LANES {
                    if let Some(e) = expected[l] {
                        assert_eq!(got[l], e, "{kind}, round {r}, lane {l}: {:x?}", rounds[r]);
                        *compared.entry(*kind).or_insert(0) += 1;
                    }
                }
            }
        }
    }
    // Shuffles out of a group are not compared; most stay inside.
    assert!(compared.values().all(|n| *n > 5000), "{compared:?}");
}

/// Lanes that wait for each other at instructions of different kinds: an H200 hangs.
#[test]
fn different_kinds_do_not_meet() {
    let text = ".visible .entry k(.param .u64 a, .param .u64 b)\n{\n.reg .pred %p<4>; .reg .b32 %r<8>;\n\
                mov.u32 %r0, %tid.x;\nsetp.lt.u32 %p0, %r0, 10;\n@%p0 bra A;\n\
                vote.sync.ballot.b32 %r1, %p0, 0xffffffff;\nret;\nA:\nbar.warp.sync 0xffffffff;\nret;\n}\n";
    let trap = Device::new(text, 1).launch(1, 32, &[0, 0]).trap.expect("a trap");
    let text = trap.to_string();
    assert!(
        text.starts_with("divergent barrier: lanes 0x") && text.contains("of their membermask 0xffffffff"),
        "{text}"
    );
}
