//! The layout of the answers, walked before they are decoded.
//!
//! The generated decoders reserve memory for as many elements as an array's count promises. This
//! walk checks that every count and length is covered by bytes that are there, so that a damaged
//! answer costs no more memory than it has bytes.

/// One field of an answer, there in the versions `from..=until`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    from: i16,
    until: i16,
    part: Part,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    /// So many bytes.
    Fixed(usize),
    /// A text or null.
    Text,
    /// Bytes or null.
    Bytes,
    /// An array of structs, or null. A struct ends in tagged fields where the answer has them.
    Array(&'static [Field]),
    /// An array of plain values of so many bytes.
    Plain(usize),
    /// The fields within a tagged field of this number, in the struct that this one ends.
    Tagged(u32, &'static [Field]),
}

/// The layout of one kind of answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The first version with compact lengths and tagged fields.
    flexible: i16,
    fields: &'static [Field],
}

const fn always(part: Part) -> Field {
    Field { from: 0, until: i16::MAX, part }
}

const fn since(from: i16, part: Part) -> Field {
    Field { from, until: i16::MAX, part }
}

pub(crate) const API_VERSIONS: Shape = Shape {
    flexible: 3,
    fields: &[always(Part::Fixed(2)), always(Part::Array(&[always(Part::Fixed(6))]))],
};

pub(crate) const METADATA: Shape = Shape {
    flexible: 9,
    fields: &[
        since(3, Part::Fixed(4)), // throttle
        always(Part::Array(&[
            always(Part::Fixed(4)),
            always(Part::Text),
            always(Part::Fixed(4)),
            since(1, Part::Text),
        ])),
        since(2, Part::Text),
        since(1, Part::Fixed(4)),
        always(Part::Array(&[
            always(Part::Fixed(2)),
            always(Part::Text),
            since(10, Part::Fixed(16)),
            since(1, Part::Fixed(1)),
            always(Part::Array(&[
                always(Part::Fixed(10)), // error, partition, leader
                since(7, Part::Fixed(4)),
                always(Part::Plain(4)),
                always(Part::Plain(4)),
                since(5, Part::Plain(4)),
            ])),
            since(8, Part::Fixed(4)),
        ])),
        Field { from: 8, until: 10, part: Part::Fixed(4) },
    ],
};

pub(crate) const LIST_OFFSETS: Shape = Shape {
    flexible: 6,
    fields: &[
        since(2, Part::Fixed(4)), // throttle
        always(Part::Array(&[
            always(Part::Text),
            always(Part::Array(&[
                always(Part::Fixed(22)), // partition, error, timestamp, offset
                since(4, Part::Fixed(4)),
            ])),
        ])),
    ],
};

pub(crate) const OFFSET_FOR_LEADER_EPOCH: Shape = Shape {
    flexible: 4,
    fields: &[
        since(2, Part::Fixed(4)), // throttle
        always(Part::Array(&[
            always(Part::Text),
            always(Part::Array(&[always(Part::Fixed(18))])), // error, partition, epoch, offset
        ])),
    ],
};

pub(crate) const FETCH: Shape = Shape {
    flexible: 12,
    fields: &[
        always(Part::Fixed(4)),   // throttle
        since(7, Part::Fixed(6)), // error, session
        always(Part::Array(&[
            Field { from: 0, until: 12, part: Part::Text },
            since(13, Part::Fixed(16)),
            always(Part::Array(&[
                always(Part::Fixed(22)), // partition, error, high watermark, last stable offset
                since(5, Part::Fixed(8)),
                always(Part::Array(&[always(Part::Fixed(16))])), // aborted transactions
                since(11, Part::Fixed(4)),
                always(Part::Bytes),
                since(12, Part::Tagged(0, &[always(Part::Fixed(12))])),
                since(12, Part::Tagged(1, &[always(Part::Fixed(8))])),
                since(12, Part::Tagged(2, &[always(Part::Fixed(12))])),
            ])),
        ])),
    ],
};

pub(crate) const SASL_HANDSHAKE: Shape = Shape {
    flexible: i16::MAX,
    fields: &[always(Part::Fixed(2)), always(Part::Array(&[always(Part::Text)]))],
};

pub(crate) const SASL_AUTHENTICATE: Shape = Shape {
    flexible: 2,
    fields: &[
        always(Part::Fixed(2)),
        always(Part::Text),
        always(Part::Bytes),
        since(1, Part::Fixed(8)), // session lifetime
    ],
};

pub(crate) const FIND_COORDINATOR: Shape = Shape {
    flexible: 3,
    fields: &[
        since(1, Part::Fixed(4)), // throttle
        always(Part::Fixed(2)),
        since(1, Part::Text),
        always(Part::Fixed(4)), // node
        always(Part::Text),
        always(Part::Fixed(4)),
    ],
};

pub(crate) const OFFSET_COMMIT: Shape = Shape {
    flexible: 8,
    fields: &[
        since(3, Part::Fixed(4)), // throttle
        always(Part::Array(&[
            always(Part::Text),
            always(Part::Array(&[always(Part::Fixed(6))])), // partition, error
        ])),
    ],
};

impl Shape {
    /// Whether `bytes` are laid out as version `version` says.
    pub(crate) fn fits(&self, bytes: &[u8], version: i16) -> bool {
        let mut walk = Walk { bytes, version, flexible: version >= self.flexible };
        walk.fields(self.fields).is_some()
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    version: i16,
    flexible: bool,
}

impl<'a> Walk<'a> {
    fn fields(&mut self, fields: &'static [Field]) -> Option<()> {
        for field in fields {
            if (field.from..=field.until).contains(&self.version) {
                self.part(field.part)?;
            }
        }
        if self.flexible { self.tags(fields) } else { Some(()) }
    }

    fn part(&mut self, part: Part) -> Option<()> {
        match part {
            Part::Fixed(bytes) => self.take(bytes).map(drop),
            Part::Text => self.length(false).and_then(|bytes| self.take(bytes)).map(drop),
            Part::Bytes => self.length(true).and_then(|bytes| self.take(bytes)).map(drop),
            Part::Plain(bytes) => {
                let count = self.length(true)?;
                self.take(count.checked_mul(bytes)?).map(drop)
            }
            Part::Array(fields) => (0..self.length(true)?).try_for_each(|_| self.fields(fields)),
            Part::Tagged(..) => Some(()),
        }
    }

    /// A length or count; zero for null.
    fn length(&mut self, wide: bool) -> Option<usize> {
        if self.flexible {
            return usize::try_from(self.varint()?).ok().map(|length| length.saturating_sub(1));
        }
        let length = if wide {
            i32::from_be_bytes(self.take(4)?.try_into().ok()?)
        } else {
            i16::from_be_bytes(self.take(2)?.try_into().ok()?).into()
        };
        if length == -1 { Some(0) } else { usize::try_from(length).ok() }
    }

    fn tags(&mut self, fields: &'static [Field]) -> Option<()> {
        for _ in 0..self.varint()? {
            let tag = self.varint()?;
            let size = usize::try_from(self.varint()?).ok()?;
            let bytes = self.take(size)?;
            let known = fields.iter().find_map(|field| match field.part {
                Part::Tagged(number, fields) if number == tag => Some(fields),
                _ => None,
            });
            if let Some(fields) = known {
                let mut within = Walk { bytes, version: self.version, flexible: true };
                within.fields(fields)?;
                if !within.bytes.is_empty() {
                    return None;
                }
            }
        }
        Some(())
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let &[byte] = self.take(1)? else { return None };
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return (shift < 28 || byte < 0x10).then_some(value);
            }
        }
        None
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(bytes)?;
        self.bytes = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests;
