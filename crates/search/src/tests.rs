//! The search against exhaustive search on problems whose answers are computed, not run.

use super::objective::Objective;
use super::*;
use lab::sweep::random::Random;

/// Loses images for each narrow layer, more where neighbours are narrow too, and a little at random: what is lost is
/// a property of the candidate, so that asking twice gives the same answer.
struct Synthetic {
    /// Share of images that a layer loses in a choice.
    lost: Vec<Vec<f64>>,
    /// Share that two neighbours lose beside, per choice of both.
    together: f64,
    seed: u64,
    asked: usize,
}

const IMAGES: u64 = 10_000;

impl Synthetic {
    fn new(layers: usize, choices: usize, together: f64, seed: u64) -> Synthetic {
        let mut random = Random::new(seed);
        let layer = |random: &mut Random| {
            let scale = 10f64.powf(-4.5 + 2.5 * random.unit());
            let mut sum = 0.0;
            let mut lost = vec![0.0];
            for _ in 1..choices {
                sum = sum * (1.5 + random.unit()) + scale * random.unit();
                lost.push(sum);
            }
            lost
        };
        Synthetic {
            lost: (0..layers).map(|_| layer(&mut random)).collect(),
            together,
            seed,
            asked: 0,
        }
    }

    fn loss(&self, candidate: &[usize]) -> f64 {
        let alone: f64 = candidate.iter().zip(&self.lost).map(|(&c, l)| l[c]).sum();
        let pairs: f64 = candidate.windows(2).map(|w| (w[0] * w[1]) as f64).sum();
        let mut noise = Random::new(candidate.iter().fold(self.seed, |h, &c| h * 31 + c as u64 + 1));
        let noise = if candidate.iter().all(|&c| c == 0) {
            0.0
        } else {
            (noise.unit() - 0.5) * 4e-4
        };
        (alone + self.together * pairs + noise).clamp(-0.001, 0.88)
    }
}

impl Evaluator for Synthetic {
    fn correct(&mut self, candidates: &[Candidate], images: u64) -> Result<Vec<u64>, Error> {
        self.asked += candidates.len();
        let correct = |c: &Candidate| ((0.978 - self.loss(c)) * images as f64).round() as u64;
        Ok(candidates.iter().map(correct).collect())
    }
}

fn problem(layers: usize, choices: usize, seed: u64) -> Problem {
    let mut random = Random::new(seed ^ 0xabc);
    Problem {
        layers: (0..layers)
            .map(|i| Layer {
                name: format!("layer{}", i + 1),
                work: 1.0 + 20.0 * random.unit(),
            })
            .collect(),
        choices: (0..choices)
            .map(|i| Choice {
                name: format!("c{i}"),
                cost: 32.0 - 28.0 * i as f64 / (choices - 1) as f64,
            })
            .collect(),
        images: IMAGES,
        unit: 1,
        loss: 1.0,
    }
}

#[test]
fn the_optimum_of_exhaustive_search_is_found_with_a_tenth_of_its_evaluations() {
    for (layers, choices) in [(3, 8), (4, 8), (5, 6), (6, 5)] {
        for seed in 0..4 {
            for together in [0.0, 2e-5] {
                let size = usize::pow(choices, layers as u32);
                let mut evaluator = Synthetic::new(layers, choices, together, seed);
                let mut all =
                    Search::new(problem(layers, choices, seed), &mut evaluator, size, 1e-3).unwrap();
                baseline::exhaustive(&mut all).unwrap();
                let optimum = all.problem.cost(all.best().0);
                assert_eq!(all.found.len(), size);

                let mut evaluator = Synthetic::new(layers, choices, together, seed);
                let budget = (size / 10).max(1);
                let mut search =
                    Search::new(problem(layers, choices, seed), &mut evaluator, budget, 1e-3).unwrap();
                nsga::run(&mut search, &nsga::Plan::default()).unwrap();
                let what = format!("{layers} layers, {choices} choices, seed {seed}, together {together}");
                assert!(search.found.len() <= budget, "{what}");
                assert_eq!(search.problem.cost(search.best().0), optimum, "{what}");
            }
        }
    }
}

#[test]
fn hopeless_candidates_cost_few_images_and_the_front_is_one() {
    let mut evaluator = Synthetic::new(6, 8, 2e-5, 3);
    let mut search = Search::new(problem(6, 8, 3), &mut evaluator, 400, 1e-3).unwrap();
    nsga::run(&mut search, &nsga::Plan::default()).unwrap();
    assert!(search.found.len() <= 400);
    assert!(
        search.shown < search.found.len() as u64 * IMAGES,
        "{}",
        search.shown
    );
    let front = search.front();
    assert!(
        front
            .windows(2)
            .all(|w| w[0].1 < w[1].1 && w[0].2.correct < w[1].2.correct)
    );
    assert!(front.iter().any(|(c, ..)| c == search.best().0));
    let greedy_cost = {
        let mut evaluator = Synthetic::new(6, 8, 2e-5, 3);
        let mut search = Search::new(problem(6, 8, 3), &mut evaluator, 400, 1e-3).unwrap();
        let greedy = baseline::greedy(&mut search).unwrap();
        search.problem.cost(&greedy)
    };
    assert!(search.problem.cost(search.best().0) <= greedy_cost);
}

#[test]
fn results_are_the_same_each_time_and_text_names_layers() {
    let run = || {
        let mut evaluator = Synthetic::new(4, 6, 1e-5, 9);
        let mut search = Search::new(problem(4, 6, 9), &mut evaluator, 120, 1e-3).unwrap();
        nsga::run(&mut search, &nsga::Plan::default()).unwrap();
        (search.best().0.clone(), search.found.len())
    };
    assert_eq!(run(), run());
    assert_eq!(problem(2, 3, 0).text(&[0, 2]), "layer1 c0, layer2 c2");
}

/// Right answers of mlp on the first 500 test images with each of its layers in each of the choices of `vernier search`,
/// as the exhaustive search found them: a line for the first two layers, a number for the third.
const MLP: &str = include_str!("measured/mlp-500.txt");

struct Measured(Vec<u64>);

impl Evaluator for Measured {
    fn correct(&mut self, candidates: &[Candidate], images: u64) -> Result<Vec<u64>, Error> {
        assert_eq!(images, 500);
        let at = |c: &Candidate| self.0[(c[0] * 8 + c[1]) * 8 + c[2]];
        Ok(candidates.iter().map(at).collect())
    }
}

/// What mlp's layers and the choices are.
fn mlp(objective: Objective, loss: f64) -> Problem {
    let formats: Vec<String> = objective::FORMATS.iter().map(|f| f.to_string()).collect();
    let choices = objective::choices(&formats, &[], Objective::Bits).unwrap();
    let layer = |(i, work): (usize, f64)| Layer {
        name: format!("layer{}", i + 1),
        work,
    };
    Problem {
        layers: [100_480.0, 8_256.0, 650.0]
            .into_iter()
            .enumerate()
            .map(layer)
            .collect(),
        choices: choices
            .iter()
            .map(|c| Choice {
                name: c.name(),
                cost: objective.cost(c),
            })
            .collect(),
        images: 500,
        unit: 1,
        loss,
    }
}

#[test]
fn the_optimum_of_a_real_program_is_found_with_a_tenth_of_its_evaluations() {
    let counts: Vec<u64> = MLP.split_whitespace().map(|n| n.parse().unwrap()).collect();
    let (mut missed, mut tried) = (Vec::new(), 0);
    for objective in [Objective::Bits, Objective::Energy] {
        for loss in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.6, 2.0, 4.0, 10.0] {
            for seed in 1..=4 {
                let search = |budget, run: &dyn Fn(&mut Search<'_>)| {
                    let mut evaluator = Measured(counts.clone());
                    let mut search = Search::new(mlp(objective, loss), &mut evaluator, budget, 0.0).unwrap();
                    run(&mut search);
                    (search.problem.cost(search.best().0), search.found.len())
                };
                let (optimum, _) = search(512, &|s| baseline::exhaustive(s).unwrap());
                let plan = nsga::Plan {
                    seed,
                    ..nsga::Plan::default()
                };
                let (found, run) = search(51, &|s| nsga::run(s, &plan).unwrap());
                assert!(run <= 51);
                tried += 1;
                if found != optimum {
                    missed.push(format!(
                        "{objective:?} {loss} seed {seed}: {found} {optimum} {run}"
                    ));
                }
            }
        }
    }
    assert!(
        missed.is_empty(),
        "{} of {tried}\n{}",
        missed.len(),
        missed.join("\n")
    );
}

/// A program whose first images are harder than the rest, for every candidate. Choice n loses n / 2 points.
struct HardFirst;

impl Evaluator for HardFirst {
    fn correct(&mut self, candidates: &[Candidate], images: u64) -> Result<Vec<u64>, Error> {
        let hard = if images < IMAGES { 0.02 } else { 0.0 };
        let correct = |c: &Candidate| ((0.978 - hard - 0.005 * c[0] as f64) * images as f64).round() as u64;
        Ok(candidates.iter().map(correct).collect())
    }
}

#[test]
fn first_images_that_are_harder_than_the_rest_make_nobody_give_up() {
    let mut evaluator = HardFirst;
    let mut search = Search::new(problem(1, 16, 0), &mut evaluator, 16, 1e-3).unwrap();
    let all: Vec<Candidate> = (0..16).map(|n| vec![n]).collect();
    search.run(&all).unwrap();
    let shown = |n: usize| search.found[&vec![n]].images;
    assert_eq!((shown(1), shown(2), shown(15)), (IMAGES, IMAGES, IMAGES / 16));
    assert_eq!(search.best().0, &[2]);
    // What is lost is told against the same images.
    assert!((search.found[&vec![15]].lost() - 0.075).abs() < 1e-3);
}
