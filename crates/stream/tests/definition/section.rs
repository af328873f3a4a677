//! A detector's section written anew.

use stream::with_detect;

use crate::fixture::{GOOD, load};

const SECTION: &str = "# looks at one thing\ndetect:\n  features:\n    - energy_gev";

#[test]
fn only_the_section_of_the_detector_changes() {
    let text = with_detect("stream.yaml", GOOD, SECTION).unwrap();
    let (head, rest) = GOOD.split_once("  detect:\n").unwrap();
    let store = &rest[rest.find("  store:\n").unwrap()..];
    let section = "  # looks at one thing\n  detect:\n    features:\n      - energy_gev\n";
    assert_eq!(text, format!("{head}{section}{store}"));
    assert_eq!(load(&text.replace(" OR anomalous", "")).unwrap().features.len(), 1);
}

#[test]
fn a_definition_without_one_gets_it_before_what_looks_at_its_columns() {
    let plain = "apiVersion: beamline.dev/v1\nkind: Stream\nspec:\n  id: a\n\n  # where to\n  store: {}\nmetadata: { name: b }\n";
    let text = with_detect("stream.yaml", plain, "detect: {}").unwrap();
    assert_eq!(text, plain.replace("  id: a\n", "  id: a\n  detect: {}\n"));
    let last = "kind: Stream\nmetadata: { name: b }\nspec:\n  id: a\n  key: b\n";
    assert_eq!(with_detect("stream.yaml", last, "detect: {}").unwrap(), format!("{last}  detect: {{}}\n"));
    let replaced = with_detect("stream.yaml", &format!("{last}  detect:\n    features: [x]\n"), "detect: {}").unwrap();
    assert_eq!(replaced, format!("{last}  detect: {{}}\n"));
}

#[test]
fn fields_that_share_a_line_are_refused() {
    let errors = with_detect("stream.yaml", "spec: { id: a, detect: {} }\n", SECTION).unwrap_err().to_string();
    assert!(errors.starts_with("stream.yaml:1:1: the fields of `spec` share lines"), "{errors}");
    assert!(with_detect("stream.yaml", "spec: [\n", SECTION).is_err());
}
