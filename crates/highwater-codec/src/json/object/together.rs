//! The quick way through several records at once: a key of each, then the next key of each.
//!
//! Records of one producer have the same keys in the same order, and values of the same kinds. Then it is asked
//! once for all of them what comes next, what it feeds, and how that is read. Where they do not, nothing is the
//! answer, and they are read one by one.

use super::{Feeds, Object, passed_over};
use crate::json::MAX_KEYS;
use crate::json::group::{GROUP, Group};

impl Object {
    /// Appends the rows that the records are.
    pub(in crate::json) fn read_together(&mut self, mut group: Group<'_>) -> Option<()> {
        self.begin();
        let (mut key, mut before) = (self.order.first(), b'{');
        for _ in 0..MAX_KEYS {
            group.pass(before, self.order.lead(key)?)?;
            match self.members.get_mut(key) {
                None => group.each_from(0, |scanner| passed_over(scanner, self.depth))?,
                Some(member) => {
                    if !member.is_first_in(self.serial) {
                        return None;
                    }
                    self.seen += 1;
                    member.feeds.read_together(&mut group)?;
                }
            }
            key = self.order.after(key);
            if group.peek()? == b'}' {
                group.expect(b'}')?;
                if !group.is_at_end() {
                    return None;
                }
                return (0..GROUP).try_for_each(|_| self.end_quickly());
            }
            before = b',';
        }
        None
    }
}

impl Feeds {
    /// Reads a value of each record.
    #[inline]
    fn read_together(&mut self, group: &mut Group<'_>) -> Option<()> {
        let read = match self {
            Self::Values(columns) => match &mut **columns {
                [column] => column.cells.push_together(group),
                _ => 0,
            },
            Self::Struct(_) => 0,
        };
        group.each_from(read, |scanner| self.read_quickly(scanner))
    }
}
