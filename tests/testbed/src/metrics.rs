//! Reading Prometheus text.

/// The sum of all samples of a metric whose labels have the given values; 0 when there is none.
///
/// ```
/// let text = "# TYPE calls counter\ncalls{verb=\"GET\",code=\"200\"} 3\ncalls{verb=\"PUT\",code=\"200\"} 4\ncalls_other 9\n";
/// assert!((testbed::metrics::sum(text, "calls", &[("code", "200")]) - 7.0).abs() < f64::EPSILON);
/// assert!((testbed::metrics::sum(text, "calls", &[("verb", "GET")]) - 3.0).abs() < f64::EPSILON);
/// ```
pub fn sum(text: &str, metric: &str, labels: &[(&str, &str)]) -> f64 {
    text.lines()
        .filter_map(|line| {
            let rest = line.strip_prefix(metric)?;
            let (given, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.rsplit_once('}')?,
                None => ("", rest.strip_prefix(' ')?),
            };
            let matches = labels
                .iter()
                .all(|(name, value)| has_label(given, name, value));
            // A time stamp may follow the value.
            matches
                .then(|| value.split_whitespace().next()?.parse::<f64>().ok())
                .flatten()
        })
        .sum()
}

fn has_label(given: &str, name: &str, value: &str) -> bool {
    let wanted = format!("{name}=\"{value}\"");
    given
        .match_indices(&wanted)
        .any(|(at, _)| at == 0 || given.as_bytes().get(at - 1) == Some(&b','))
}
