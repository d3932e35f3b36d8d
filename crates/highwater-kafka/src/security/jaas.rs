//! Login modules, as Java users write them in `sasl.jaas.config`.

/// What a login module says of its user.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Jaas {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
}

/// The login modules of the mechanisms that are spoken, without their package.
const MODULES: [&str; 3] = ["PlainLoginModule", "ScramLoginModule", "OAuthBearerLoginModule"];
const FLAGS: [&str; 4] = ["required", "requisite", "sufficient", "optional"];

/// Reads `some.package.ScramLoginModule required username="alice" password="secret";`. None when it
/// is something else, or has options whose meaning would be lost.
pub(super) fn parse(text: &str) -> Option<Jaas> {
    let body = text.trim().strip_suffix(';')?;
    let mut words = Words(body);
    let module = words.next()?;
    let name = module.rsplit('.').next()?;
    if !MODULES.contains(&name) || !FLAGS.contains(&&*words.next()?.to_ascii_lowercase()) {
        return None;
    }
    let mut jaas = Jaas::default();
    loop {
        if words.0.trim_start().is_empty() {
            return Some(jaas);
        }
        let key = words.next()?;
        words.0 = words.0.trim_start().strip_prefix('=')?;
        let value = words.next()?;
        match &*key {
            "username" => jaas.username = Some(value),
            "password" => jaas.password = Some(value),
            _ => return None,
        }
    }
}

struct Words<'a>(&'a str);

impl Words<'_> {
    /// The next word, without its quotes; none when there is none or its quotes stay open.
    fn next(&mut self) -> Option<String> {
        self.0 = self.0.trim_start();
        match self.0.chars().next()? {
            quote @ ('"' | '\'') => self.quoted(quote),
            _ => {
                let end = |c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | ';');
                let (word, rest) = self.0.split_at(self.0.find(end).unwrap_or(self.0.len()));
                self.0 = rest;
                (!word.is_empty()).then(|| word.to_owned())
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut word = String::new();
        let mut chars = self.0.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.0 = self.0.get(at + quote.len_utf8()..)?;
                    return Some(word);
                }
                '\\' => word.push(chars.next()?.1),
                c => word.push(c),
            }
        }
        None
    }
}
