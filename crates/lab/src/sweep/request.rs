//! What a sweep is asked to do: values of axes and how to combine them, and the list of points that this means.

use super::axes::{self, Point};
use super::made::{self, Made};
use std::collections::BTreeMap;
use std::path::Path;
use tell::Error;

/// Axes and their values, how to combine them, and points beside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Values of axes; the grid has every combination, the first axis slowest.
    pub axes: Vec<(String, Vec<String>)>,
    /// Instead of the whole grid, so many of its points, drawn with this seed.
    pub sample: Option<(usize, u64)>,
    /// Points beside the grid; where they do not give an axis, its only value in `axes` holds.
    pub list: Vec<Point>,
    /// The policies that values of the axis `template` stand for.
    pub templates: BTreeMap<String, Made>,
    /// Its words for a page, by their keys ([`WORDS`]).
    pub words: BTreeMap<String, String>,
}

/// The keys of a file whose texts are for the page of a study ([`report::study`]).
pub const WORDS: [&str; 4] = ["title", "about", "figure", "discussion"];

/// Most points of one sweep: more is a slip of the hand.
pub const MOST: usize = 1_000_000;

impl Request {
    /// Gives an axis its values, instead of those that it may have. `exponent` and `significand` are kept like axes
    /// until [`Request::points`] makes formats of them.
    pub fn set(&mut self, name: &str, values: Vec<String>) {
        match self.axes.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = values,
            None => self.axes.push((name.into(), values)),
        }
    }

    fn get(&self, name: &str) -> Option<&[String]> {
        self.axes.iter().find(|(n, _)| n == name).map(|(_, v)| &v[..])
    }

    /// All points, each once, in order. Policies that are made of a template or for a layer are written into `policies`
    /// ([`super::written::folder`]).
    ///
    /// # Errors
    /// Axes that do not exist or contradict each other, values that are none.
    pub fn points(&self, policies: &Path) -> Result<Vec<Point>, Error> {
        let axes = self.formats()?;
        for (name, values) in &axes {
            axes::argument(name)?;
            if values.is_empty() {
                return Err(Error::Usage(format!("the axis {name} has no values")));
            }
        }
        let mut points = Vec::new();
        let grid_wanted = self.list.is_empty() || axes.iter().any(|(_, v)| v.len() > 1);
        if grid_wanted {
            let size = axes
                .iter()
                .try_fold(1usize, |n, (_, v)| n.checked_mul(v.len()))
                .filter(|n| *n <= MOST || self.sample.is_some());
            let Some(size) = size else {
                let message = format!("the grid has more than {MOST} points");
                return Err(Error::Usage(format!(
                    "{message}\n  = help: give fewer values, or draw some with --sample N"
                )));
            };
            let chosen = match self.sample {
                Some((count, seed)) if count < size => draw(size, count.min(MOST), seed),
                _ => (0..size).collect(),
            };
            points.extend(chosen.into_iter().map(|n| nth(&axes, n)));
        } else if self.sample.is_some() {
            return Err(Error::Usage(
                "a sample is drawn from a grid, and there is none".into(),
            ));
        }
        for point in &self.list {
            let mut whole: Point = axes
                .iter()
                .filter(|(_, v)| v.len() == 1)
                .map(|(n, v)| (n.clone(), v[0].clone()))
                .collect();
            whole.extend(point.clone());
            points.push(whole);
        }
        for point in &mut points {
            if !point.contains_key("program") {
                return Err(Error::Usage("which program shall be run?".into()));
            }
            axes::settings(point)?;
            made::resolve(point, &self.templates, policies)?;
        }
        let mut seen = std::collections::BTreeSet::new();
        points.retain(|p| seen.insert(p.clone()));
        Ok(points)
    }

    /// The axes with `exponent` and `significand` made into `format`.
    fn formats(&self) -> Result<Vec<(String, Vec<String>)>, Error> {
        let (exponents, significands) = (self.get("exponent"), self.get("significand"));
        if exponents.is_none() && significands.is_none() {
            return Ok(self.axes.clone());
        }
        if self.get("format").is_some() {
            return Err(Error::Usage(
                "--format and --exponent or --significand are two ways to say the same\n  = help: formats of a grid are \
                 named eXmY, as in --format bf16,e5m2"
                    .into(),
            ));
        }
        let (Some(exponents), Some(significands)) = (exponents, significands) else {
            let (there, missing, all) = match exponents {
                Some(_) => ("--exponent", "--significand", "23"),
                None => ("--significand", "--exponent", "8"),
            };
            return Err(Error::Usage(format!(
                "{there} needs {missing} too: bits of both make a format\n  = help: {missing} {all} is what fp32 has"
            )));
        };
        let (exponents, significands) = (range("exponent", exponents)?, range("significand", significands)?);
        let formats = exponents
            .iter()
            .flat_map(|e| significands.iter().map(move |m| format!("e{e}m{m}")));
        let mut formats = Some(formats.collect());
        let mut axes = Vec::new();
        for (name, values) in &self.axes {
            if name == "exponent" || name == "significand" {
                axes.extend(formats.take().map(|f| ("format".to_string(), f)));
            } else {
                axes.push((name.clone(), values.clone()));
            }
        }
        Ok(axes)
    }
}

/// `8`, `8..2` and `2..8`, both ends included.
fn range(name: &str, texts: &[String]) -> Result<Vec<u32>, Error> {
    let bad = |text: &str| {
        Error::Usage(format!(
            "`{text}` is no value of {name}: a number of bits, or a range as 8..2"
        ))
    };
    let mut all = Vec::new();
    for text in texts {
        let number = |t: &str| {
            t.trim()
                .parse::<u32>()
                .ok()
                .filter(|n| *n <= 64)
                .ok_or_else(|| bad(text))
        };
        match text.split_once("..") {
            None => all.push(number(text)?),
            Some((from, to)) => {
                let (from, to) = (number(from)?, number(to)?);
                let up = from.min(to)..=from.max(to);
                if from <= to {
                    all.extend(up)
                } else {
                    all.extend(up.rev())
                }
            }
        }
    }
    Ok(all)
}

/// Point `n` of the grid, the first axis slowest.
fn nth(axes: &[(String, Vec<String>)], mut n: usize) -> Point {
    let mut point = Point::new();
    for (name, values) in axes.iter().rev() {
        point.insert(name.clone(), values[n % values.len()].clone());
        n /= values.len();
    }
    point
}

/// `count` different numbers below `size`, in increasing order (Floyd's algorithm).
fn draw(size: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut random = super::random::Random::new(seed);
    let mut chosen = std::collections::BTreeSet::new();
    for last in size - count..size {
        let n = random.below(last as u64 + 1) as usize;
        if !chosen.insert(n) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}

/// Reads `a,b,c` into values of an axis, paths made absolute from `folder`.
///
/// # Errors
/// There is no such axis.
pub fn values(name: &str, texts: &[String], folder: &Path) -> Result<Vec<String>, Error> {
    if name == "exponent" || name == "significand" {
        return Ok(texts.to_vec());
    }
    let axis = axes::argument(name)?;
    Ok(texts.iter().map(|t| axis.value(t, folder)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(axes: &[(&str, &[&str])]) -> Request {
        let mut request = Request::default();
        for (name, values) in axes {
            request.set(name, values.iter().map(|v| v.to_string()).collect());
        }
        request
    }

    fn formats(points: &[Point]) -> Vec<&str> {
        points.iter().map(|p| p["format"].as_str()).collect()
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let grid = request(&[
            ("program", &["mlp"]),
            ("exponent", &["3..2", "5"]),
            ("significand", &["2", "1"]),
        ]);
        let points = grid.points(Path::new("no folder")).unwrap();
        assert_eq!(formats(&points), ["e3m2", "e3m1", "e2m2", "e2m1", "e5m2", "e5m1"]);
        let twice = request(&[("program", &["mlp"]), ("format", &["bf16", "bf16", "none"])]);
        assert_eq!(
            formats(&twice.points(Path::new("no folder")).unwrap()),
            ["bf16", "none"]
        );
    }

    #[test]
    fn samples_are_the_same_for_a_seed_and_lists_stand_beside() {
        let mut some = request(&[
            ("program", &["mlp"]),
            ("exponent", &["8..2"]),
            ("significand", &["1..20"]),
        ]);
        some.sample = Some((10, 1));
        let points = some.points(Path::new("no folder")).unwrap();
        assert_eq!(points.len(), 10);
        assert_eq!(points, some.points(Path::new("no folder")).unwrap());
        some.sample = Some((10, 2));
        assert_ne!(points, some.points(Path::new("no folder")).unwrap());
        some.sample = Some((1000, 2));
        assert_eq!(some.points(Path::new("no folder")).unwrap().len(), 140);
        let mut list = request(&[("program", &["mlp"]), ("images", &["100"])]);
        list.list = vec![Point::from([("format".into(), "e5m2".into())])];
        let points = list.points(Path::new("no folder")).unwrap();
        assert_eq!((points.len(), points[0]["images"].as_str()), (1, "100"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        type Axes<'a> = &'a [(&'a str, &'a [&'a str])];
        let cases: [(Axes<'_>, &str); 8] = [
            (&[("format", &["bf16"])], "which program"),
            (
                &[("program", &["mlp"]), ("format", &["bf17"])],
                "`bf17` is no value of format",
            ),
            (
                &[("program", &["mlp"]), ("fromat", &["bf16"])],
                "did you mean `format`",
            ),
            (&[("program", &["mlp"]), ("exponent", &["5"])], "--significand 23"),
            (
                &[
                    ("program", &["mlp"]),
                    ("exponent", &["five"]),
                    ("significand", &["2"]),
                ],
                "`five` is no value of exponent",
            ),
            (
                &[
                    ("program", &["mlp"]),
                    ("exponent", &["99..1"]),
                    ("significand", &["2"]),
                ],
                "`99..1` is no value",
            ),
            (&[("program", &["mlp"]), ("images", &["some"])], "a whole number"),
            (
                &[("program", &["mlp"]), ("stage", &["build,test"])],
                "done once before all",
            ),
        ];
        for (axes, message) in cases {
            let error = request(axes).points(Path::new("no folder")).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}
