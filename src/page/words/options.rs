//! Sentences of the core in the page's words: the core names options of the command line, the page has controls.

/// What the page calls a setting, by the option of the command line.
const CONTROLS: &[(&str, &str)] = &[
    ("amount", "number of elements"),
    ("antialias", "“Antialias”"),
    ("bit", "“Bits”"),
    ("bits", "“Bits”"),
    ("classes", "a file of class names"),
    ("color", "“Channels”"),
    ("confidence", "“Confidence”"),
    ("crop", "“Crop”"),
    ("design", "“Design”"),
    ("draw", "“Draw”"),
    ("faults", "“Faults for each image”"),
    ("filter", "“Filter”"),
    ("folder-order", "the order of folders under “Labels”"),
    ("format", "“Numbers”"),
    ("grouping", "a grouping, dropped on the page"),
    ("images", "“Only the first” images"),
    ("input-size", "“Input size”"),
    ("kind", "“Type”"),
    ("label-shift", "“Added to each label”"),
    ("labels", "a list of labels, dropped on the page"),
    ("layers", "“Layers”"),
    ("margin", "“Margin”"),
    ("max-faults", "the largest number of faults"),
    ("mean", "“Mean”"),
    ("model", "a network"),
    ("of", "“To be known”"),
    ("pattern", "“Pattern”"),
    ("preprocess", "“Pixel values”"),
    ("profile", "“Learnt from the first images”"),
    ("protect", "“Protections”"),
    ("protocol", "“Protocol”"),
    ("resize", "“Size”"),
    ("resume", "the command line"),
    ("sampling", "“Sampling”"),
    ("scale", "“Scale”"),
    ("seed", "“Seed”"),
    ("std", "“Deviation”"),
    ("target", "“Target”"),
    ("type", "“Type”"),
    ("until", "“Until ±”"),
    ("weight-format", "“Numbers”"),
];

/// What is said of the command line's other ways.
const WAYS: &[(&str, &str)] = &[
    ("draw images with `faultscope sample`", "bring images of more classes"),
    ("is for `faultscope campaign`", "is for campaigns"),
];

/// Rewrites a sentence of the core for the page: `--layers conv1` becomes “Layers”: conv1. An option that the page lacks is called
/// the command line's.
pub fn in_page_words(text: &str) -> String {
    let mut text = WAYS.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours));
    let mut from = 0;
    while let Some((start, end, option)) = next_option(&text, from) {
        let control = CONTROLS.iter().find(|(name, _)| *name == option);
        let mut words =
            control.map_or_else(|| format!("the command line's --{option}"), |(_, words)| (*words).to_owned());
        let mut end = end;
        if control.is_some()
            && let Some((after, value)) = value_after(&text, end)
        {
            end = after;
            if let Some(value) = value {
                words.push_str(&format!(": {value}"));
            }
        }
        text.replace_range(start..end, &words);
        from = start + words.len();
    }
    text
}

/// The next option from `from` on: where it begins and ends, and its name.
fn next_option(text: &str, from: usize) -> Option<(usize, usize, String)> {
    let mut from = from;
    loop {
        let start = from + text[from..].find("--")?;
        let name: String = text[start + 2..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        let name = name.trim_end_matches('-').to_owned();
        let opens =
            text[..start].chars().next_back().is_none_or(|before| before.is_whitespace() || "(`\"".contains(before));
        if opens && !name.is_empty() {
            return Some((start, start + 2 + name.len(), name));
        }
        from = start + 2;
    }
}

/// Words that follow an option in a sentence, and are no values.
const NO_VALUES: &[&str] = &[
    "a", "and", "are", "away", "chooses", "does", "ends", "fits", "for", "gives", "goes", "has", "in", "is", "leaves",
    "lists", "lies", "needs", "of", "one", "or", "says", "state", "states", "stated", "strikes", "take", "takes",
    "tells", "to", "with",
];

/// The value after an option that ends at `end`: where it ends, and the value; `None` for one that only stands for a value, such as
/// FILE.
fn value_after(text: &str, end: usize) -> Option<(usize, Option<String>)> {
    let rest = text[end..].strip_prefix(' ')?;
    let word = rest.split([' ', ';', '\n', ')']).next()?;
    let value = word.trim_end_matches(['.', ',', ':']);
    if value.is_empty() || value.starts_with("--") || NO_VALUES.contains(&value) {
        return None;
    }
    let stands_for_one = value.chars().all(|c| c.is_ascii_uppercase() || "_:|.".contains(c)) && value.len() > 1;
    Some((end + 1 + value.len(), (!stands_for_one).then(|| value.to_owned())))
}

#[cfg(test)]
mod tests {
    use facts::campaign::Goal;

    use super::*;

    #[test]
    fn options_become_the_controls_of_the_page() {
        for (core, page) in [
            ("choose fewer --images", "choose fewer “Only the first” images"),
            ("leave --until and --protocol away", "leave “Until ±” and “Protocol” away"),
            ("for example --layers conv1,conv2", "for example “Layers”: conv1,conv2"),
            ("--preprocess unit fits it", "“Pixel values”: unit fits it"),
            ("or list them with --classes FILE", "or list them with a file of class names"),
            ("--label-shift -1 takes one off", "“Added to each label”: -1 takes one off"),
            ("--scale 1/255", "“Scale”: 1/255"),
            (
                "leave --accelerator or the protection away",
                "leave the command line's --accelerator or the protection away",
            ),
            (
                "--design stratified goes with neither --pattern-file, --accelerator nor values",
                "“Design”: stratified goes with neither the command line's --pattern-file, the command line's --accelerator nor values",
            ),
            ("a -- b, 1--2, x--y", "a -- b, 1--2, x--y"),
        ] {
            assert_eq!(in_page_words(core), page);
        }
    }

    /// Sentences as the core says them.
    #[test]
    fn refusals_of_the_core_name_no_option_that_the_page_has() {
        let goal = Goal {
            margin: "1pp".parse().expect("a margin"),
            of: facts::campaign::Quantity::Scm,
            confidence: Default::default(),
            max_faults: 10,
        };
        let refusal = goal.check_judged(false).expect_err("there is no grouping").to_string();
        assert!(refusal.contains("--of") && refusal.contains("--grouping"), "{refusal}");
        let page = in_page_words(&refusal);
        assert!(!page.contains("--") && page.contains("“To be known”: scm needs a grouping"), "{page}");
        assert!(page.ends_with("a grouping, dropped on the page"), "{page}");
    }
}
