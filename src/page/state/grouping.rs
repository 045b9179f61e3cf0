//! The grouping as the user edits it: which classes belong together, and which groups are critical.

use std::rc::Rc;

use facts::labels::{Group, Grouping};
use protocol::Naming;

use super::{Effect, State};

/// Most groups.
const MOST: usize = 40;
/// Longest name of a group.
const LONGEST: usize = 60;

/// A change of the grouping.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupingAction {
    /// Put a class into a group, by its place.
    Move {
        /// The class.
        class: usize,
        /// The group.
        group: usize,
    },
    /// Add an empty group.
    Add,
    /// Give a group another name.
    Rename {
        /// The group.
        group: usize,
        /// The name.
        name: String,
    },
    /// Take a group away; its classes go to the one before it, or to the first.
    Remove(usize),
    /// Say whether a group is critical.
    Mark {
        /// The group.
        group: usize,
        /// Whether it is.
        critical: bool,
    },
    /// Take the model's own grouping again.
    Reset,
    /// A grouping file was brought.
    Load {
        /// Its name.
        name: String,
        /// Its text.
        text: String,
    },
    /// Save it as a file.
    Save,
}

/// A grouping that can be changed; every class is in one group, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its name in results.
    pub name: String,
    /// Groups: name, and whether it is critical.
    pub groups: Vec<(String, bool)>,
    of: Vec<usize>,
}

impl Draft {
    /// A draft of `grouping`; without one, all classes in one group that is not critical.
    fn new(grouping: Option<&Grouping>, classes: usize) -> Self {
        let Some(grouping) = grouping else {
            return Self { name: "own".to_owned(), groups: vec![("All".to_owned(), false)], of: vec![0; classes] };
        };
        let groups: Vec<_> = grouping.groups().iter().map(|group| (group.name.clone(), group.critical)).collect();
        let place = |class: usize| {
            let group = grouping.group_of(class)?;
            groups.iter().position(|(name, _)| *name == group.name)
        };
        let of = (0..grouping.classes()).map(|class| place(class).unwrap_or_default()).collect();
        Self { name: grouping.name().to_owned(), groups, of }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.of.len()
    }

    /// The classes of the group at this place.
    pub fn members(&self, group: usize) -> impl Iterator<Item = usize> {
        self.of.iter().enumerate().filter(move |(_, of)| **of == group).map(|(class, _)| class)
    }

    /// The same as a grouping.
    ///
    /// # Errors
    /// Where two groups have one name.
    pub fn grouping(&self) -> facts::Result<Grouping> {
        let groups = self.groups.iter().enumerate().map(|(place, (name, critical))| Group {
            name: name.clone(),
            critical: *critical,
            classes: ranges(self.members(place)),
        });
        Grouping::from_groups(&self.name, self.classes(), groups.collect())
    }

    /// Makes the change; the sentence says why not.
    fn change(&mut self, action: &GroupingAction) -> Result<(), String> {
        let known = |group: usize| group < self.groups.len();
        match action {
            GroupingAction::Move { class, group } if known(*group) && *class < self.of.len() => {
                self.of[*class] = *group
            }
            GroupingAction::Add if self.groups.len() == MOST => {
                return Err(format!("A grouping has at most {MOST} groups."));
            }
            GroupingAction::Add => {
                let free = (self.groups.len() + 1..).map(|number| format!("Group {number}"));
                let name = free.into_iter().find(|name| self.groups.iter().all(|(known, _)| known != name));
                self.groups.push((name.unwrap_or_default(), false));
            }
            GroupingAction::Rename { group, name } if known(*group) => {
                let name = name.trim();
                if name.is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
                    return Err(format!("The name of a group has 1 to {LONGEST} printable characters."));
                }
                let taken = |(place, (known, _)): (usize, &(String, bool))| place != *group && known == name;
                if self.groups.iter().enumerate().any(taken) {
                    return Err(format!("There is a group called “{name}” already."));
                }
                self.groups[*group].0 = name.to_owned();
            }
            GroupingAction::Remove(group) if known(*group) => {
                if self.groups.len() == 1 {
                    return Err("This is the last group; every class needs one.".to_owned());
                }
                self.groups.remove(*group);
                let heir = group.saturating_sub(1);
                for of in &mut self.of {
                    *of = match (*of).cmp(group) {
                        std::cmp::Ordering::Less => *of,
                        std::cmp::Ordering::Equal => heir,
                        std::cmp::Ordering::Greater => *of - 1,
                    };
                }
            }
            GroupingAction::Mark { group, critical } if known(*group) => self.groups[*group].1 = *critical,
            _ => {}
        }
        Ok(())
    }
}

/// `0-2 5`: classes as a grouping file has them.
fn ranges(classes: impl Iterator<Item = usize>) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for class in classes {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == class => *last = class,
            _ => ranges.push((class, class)),
        }
    }
    let text = ranges.into_iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    });
    text.collect::<Vec<_>>().join(" ")
}

impl State {
    /// The grouping as it is now, for the editor; `None` until the class names are there.
    pub fn draft(&self) -> Option<Rc<Draft>> {
        let naming = self.campaign.naming.as_ref()?;
        let edited = self.link.campaign.groups.as_deref().filter(|groups| groups.classes() == naming.classes);
        Some(Rc::new(Draft::new(edited.or(naming.grouping.as_ref()), naming.classes)))
    }

    pub(super) fn act_on_grouping(&mut self, action: GroupingAction, effects: &mut Vec<Effect>) {
        let edited = match action {
            GroupingAction::Save => return self.save_grouping(effects),
            GroupingAction::Reset => Ok(None),
            action => self.edited(&action).map(Some),
        };
        match edited {
            Ok(groups) => self.link.campaign.groups = groups.map(Rc::new),
            Err(problem) => self.tell(problem),
        }
    }

    /// The grouping after `action`; the sentence says why it cannot be.
    fn edited(&self, action: &GroupingAction) -> Result<Grouping, String> {
        let missing = || "No network is loaded yet.".to_owned();
        let naming = self.campaign.naming.as_ref().ok_or_else(missing)?;
        if let GroupingAction::Load { name, text } = action {
            return load(name, text, naming);
        }
        let mut draft = Draft::clone(&*self.draft().ok_or_else(missing)?);
        draft.change(action)?;
        // A changed grouping must not keep the name of the original.
        if naming.grouping.as_ref().is_some_and(|grouping| grouping.name() == draft.name) {
            draft.name.push_str("-edited");
        }
        draft.grouping().map_err(|error| format!("{error}."))
    }

    fn save_grouping(&mut self, effects: &mut Vec<Effect>) {
        let Some(draft) = self.draft() else { return };
        match draft.grouping() {
            Ok(grouping) => effects.push(Effect::Save {
                name: "grouping.toml".to_owned(),
                mime: "application/toml".to_owned(),
                bytes: grouping.to_toml().into_bytes(),
            }),
            Err(error) => self.tell(format!("{error}.")),
        }
    }
}

fn load(name: &str, text: &str, naming: &Naming) -> Result<Grouping, String> {
    let grouping = Grouping::from_toml(name, text).map_err(|error| format!("{error}."))?;
    if grouping.classes() != naming.classes {
        return Err(format!(
            "{name}: the grouping \"{}\" is for {} classes, here are {}.",
            grouping.name(),
            grouping.classes(),
            naming.classes
        ));
    }
    Ok(grouping)
}
