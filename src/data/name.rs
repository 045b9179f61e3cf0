//! What file names tell.

/// The class at the end of an image's file name, `NAME_NN_LABEL.ext`: 243 in `imagenet_00_243.jpg`.
///
/// A name must have all three parts, so that the number of a camera's image is not taken for a class.
pub fn class_in_name(name: &str) -> Option<usize> {
    let (stem, _) = name.rsplit_once('.')?;
    let (rest, label) = stem.rsplit_once('_')?;
    let (_, number) = rest.rsplit_once('_')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(number) && is_number(label)).then(|| label.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_read_from_the_name() {
        assert_eq!(class_in_name("imagenet_07_282.jpg"), Some(282));
        assert_eq!(class_in_name("a_b_1_09.tar.PNG"), None);
        assert_eq!(class_in_name("a.b_1_09.PNG"), Some(9));
        for name in ["cat.jpg", "cat_3.jpg", "IMG_2024_a.png", "07_282.jpg", "a_b_1.png", "a_1_+2.png", "x", "a_0_1"] {
            assert_eq!(class_in_name(name), None, "{name}");
        }
        assert_eq!(class_in_name("a_0_99999999999999999999999.png"), None);
    }
}
