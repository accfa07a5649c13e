//! The nearest known word, for help texts.

/// The word of `known` nearest to `word`, if it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 40 {
        return None;
    }
    let limit = match word.len() {
        0..=2 => 1,
        3..=5 => 2,
        n => n / 3,
    };
    let lower = word.to_ascii_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&lower, &candidate.to_ascii_lowercase());
    known
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(d, candidate)| *d <= limit && *d < candidate.len())
        .min_by_key(|(d, candidate)| (*d, std::cmp::Reverse(shared_start(word, candidate))))
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?`` or the list of what there is.
pub fn advice<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

/// How many characters two words have in common at their start.
fn shared_start(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_that_was_meant() {
        assert_eq!(nearest("ad", ["abs", "add", "and"]), Some("add"));
        assert_eq!(nearest("fam", ["fma", "max"]), Some("fma"));
        assert_eq!(nearest("zzzzzz", ["fma", "max"]), None);
        assert_eq!(nearest("", ["fma"]), None);
    }
}
