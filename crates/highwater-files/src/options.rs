//! What a user chooses.

/// What to do when records are gone before they were read, or may not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDataLoss {
    /// Stop, and say what is lost.
    #[default]
    Fail,
    /// Go on without them. A file that was planned and is gone, or that may not be read, is a gap in a
    /// plan; a file that came late or grew later is told of and left out.
    Skip,
}
