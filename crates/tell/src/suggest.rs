//! The nearest of some known names, for messages.

/// The known name nearest to `name`, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| (strsim::osa_distance(name, k), k))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, k)| k)
}

/// ``did you mean `x`?`` or the list of what there is.
pub fn advice<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(k) => format!("did you mean `{k}`?"),
        None => format!("known: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_listed() {
        let known = ["weights", "epochs", "format"];
        assert_eq!(nearest("weihgts", known), Some("weights"));
        assert_eq!(nearest("epoch", known), Some("epochs"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(advice("zzz", known), "known: weights, epochs, format");
    }
}
