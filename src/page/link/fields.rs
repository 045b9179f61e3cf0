//! The fields of a link. One line declares a field: its key, how it is read and written, its default, and when it is reset.

use std::fmt::Display;
use std::str::FromStr;

use facts::Named;

/// A choice of the user that resets other choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anew {
    /// Another model is chosen.
    Model,
    /// A step of the lesson is set up.
    Scene,
}

/// Maps a key of a group of fields to the key in the link.
type Rename = fn(&'static str) -> &'static str;

/// Longest name that a link may hold.
const MAX_NAME: usize = 300;

/// A group of fields. [`fields!`] implements it.
pub(super) trait Fields {
    /// Takes `value` where one of the fields has the key `key`, and says whether it has.
    fn set(&mut self, key: &str, value: &str, rename: Rename) -> Result<bool, String>;

    /// Hands key and value of each field that is set to `put`.
    fn put(&self, rename: Rename, put: &mut dyn FnMut(&str, String));

    /// Resets the fields that do not outlive the choice.
    fn reset(&mut self, anew: Anew);
}

/// A line of [`fields!`]: how a field of type `F` is read, written and reset.
pub(super) trait Entry<F> {
    fn set(&self, field: &mut F, key: &str, value: &str, rename: Rename) -> Result<bool, String>;
    fn put(&self, field: &F, rename: Rename, put: &mut dyn FnMut(&str, String));
    fn reset(&self, field: &mut F, anew: Anew);
}

/// A field with a key of its own. The default of its type is not written.
pub(super) struct Key<T, R> {
    key: &'static str,
    read: R,
    write: fn(&T) -> Option<String>,
    kept: &'static [Anew],
}

impl<T, R: Fn(&str) -> Result<T, String>> Key<T, R> {
    pub(super) fn new(key: &'static str, read: R, write: fn(&T) -> Option<String>) -> Self {
        Self { key, read, write, kept: &[] }
    }

    /// The choices that leave the field as it is.
    pub(super) fn kept(self, kept: &'static [Anew]) -> Self {
        Self { kept, ..self }
    }
}

impl<F, T, R> Entry<F> for Key<T, R>
where
    F: Clone + Default + PartialEq + From<T> + Into<Option<T>>,
    R: Fn(&str) -> Result<T, String>,
{
    fn set(&self, field: &mut F, key: &str, value: &str, rename: Rename) -> Result<bool, String> {
        let mine = key == rename(self.key);
        if mine {
            *field = (self.read)(value)?.into();
        }
        Ok(mine)
    }

    fn put(&self, field: &F, rename: Rename, put: &mut dyn FnMut(&str, String)) {
        let value = Some(field).filter(|field| **field != F::default()).and_then(|field| field.clone().into());
        if let Some(text) = value.as_ref().and_then(self.write) {
            put(rename(self.key), text);
        }
    }

    fn reset(&self, field: &mut F, anew: Anew) {
        if !self.kept.contains(&anew) {
            *field = F::default();
        }
    }
}

/// A field that is a group of fields.
pub(super) struct Group {
    rename: Rename,
    kept: &'static [Anew],
}

impl Group {
    /// The choices that reset single fields of the group, not all of it.
    pub(super) fn kept(self, kept: &'static [Anew]) -> Self {
        Self { kept, ..self }
    }
}

/// A group whose keys are those of its fields.
pub(super) fn group() -> Group {
    renamed(|key| key)
}

/// A group whose keys are other ones in this place.
pub(super) fn renamed(rename: Rename) -> Group {
    Group { rename, kept: &[] }
}

impl<F: Fields + Default> Entry<F> for Group {
    fn set(&self, field: &mut F, key: &str, value: &str, _: Rename) -> Result<bool, String> {
        field.set(key, value, self.rename)
    }

    fn put(&self, field: &F, _: Rename, put: &mut dyn FnMut(&str, String)) {
        field.put(self.rename, put);
    }

    fn reset(&self, field: &mut F, anew: Anew) {
        if self.kept.contains(&anew) {
            field.reset(anew);
        } else {
            *field = F::default();
        }
    }
}

impl<F: Fields + Default + PartialEq> Fields for Option<F> {
    fn set(&mut self, key: &str, value: &str, rename: Rename) -> Result<bool, String> {
        let mut fields = self.take().unwrap_or_default();
        let taken = fields.set(key, value, rename);
        *self = (fields != F::default()).then_some(fields);
        taken
    }

    fn put(&self, rename: Rename, put: &mut dyn FnMut(&str, String)) {
        self.iter().for_each(|fields| fields.put(rename, put));
    }

    fn reset(&mut self, anew: Anew) {
        self.iter_mut().for_each(|fields| fields.reset(anew));
    }
}

/// Declares a group of fields. A line has the field's documentation, name and type, its [`Entry`], and after `else` the type
/// and the default of its value, which gets a method of the field's name.
macro_rules! fields {
    (
        $(#[$doc:meta])*
        $visibility:vis struct $name:ident {
            $(
                $(#[$about:meta])*
                $field:ident: $type:ty = $entry:expr $(, else $value:ty = $default:expr)?;
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        $visibility struct $name {
            $($(#[$about])* pub $field: $type,)*
        }

        impl $name {
            $($(
                #[doc = concat!("The chosen `", stringify!($field), "`, or the default.")]
                pub fn $field(&self) -> $value {
                    self.$field.clone().unwrap_or_else(|| $default)
                }
            )?)*
        }

        impl $crate::link::fields::Fields for $name {
            fn set(
                &mut self,
                key: &str,
                value: &str,
                rename: fn(&'static str) -> &'static str,
            ) -> Result<bool, String> {
                use $crate::link::fields::Entry;
                Ok(false $(|| Entry::set(&$entry, &mut self.$field, key, value, rename)?)*)
            }

            fn put(&self, rename: fn(&'static str) -> &'static str, put: &mut dyn FnMut(&str, String)) {
                use $crate::link::fields::Entry;
                $(Entry::put(&$entry, &self.$field, rename, put);)*
            }

            fn reset(&mut self, anew: $crate::link::Anew) {
                use $crate::link::fields::Entry;
                $(Entry::reset(&$entry, &mut self.$field, anew);)*
            }
        }
    };
}
pub(super) use fields;

/// One of the names of an enumeration.
pub(super) fn choice<T: Named>(key: &'static str) -> Key<T, impl Fn(&str) -> Result<T, String>> {
    Key::new(key, T::named, |value| Some(value.name().to_owned()))
}

/// A name, such as a layer's.
pub(super) fn text(key: &'static str) -> Key<String, impl Fn(&str) -> Result<String, String>> {
    Key::new(key, name, |text| Some(text.clone()))
}

/// A number for which `fits` holds; `expected` says which ones do.
pub(super) fn number<T: FromStr + Display>(
    key: &'static str,
    fits: impl Fn(&T) -> bool,
    expected: &'static str,
) -> Key<T, impl Fn(&str) -> Result<T, String>> {
    let read = move |text: &str| text.parse().ok().filter(&fits).ok_or_else(|| expected.to_owned());
    Key::new(key, read, |number| Some(number.to_string()))
}

/// A value with a text of its own, whose reader says what it expects.
pub(super) fn parsed<T>(key: &'static str) -> Key<T, impl Fn(&str) -> Result<T, String>>
where
    T: FromStr<Err: Display> + Display,
{
    Key::new(key, |text: &str| text.parse().map_err(|error: T::Err| error.to_string()), |value| Some(value.to_string()))
}

/// On or off.
pub(super) fn switch(key: &'static str) -> Key<bool, impl Fn(&str) -> Result<bool, String>> {
    let read = |text: &str| match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err("1 or 0 is expected".to_owned()),
    };
    Key::new(key, read, |on| Some(u8::from(*on).to_string()))
}

/// Reads a name.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
        return Err(format!("a name of 1 to {MAX_NAME} printable characters is expected"));
    }
    Ok(text.to_owned())
}
