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
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
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

/// Edit distance (Levenshtein, a swap of neighbours counts one), ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (
        a.to_ascii_lowercase().into_bytes(),
        b.to_ascii_lowercase().into_bytes(),
    );
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substituted = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substituted.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
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
