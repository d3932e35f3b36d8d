//! Properties of security, and what they are together.

use super::jaas::parse;
use super::*;
use crate::options::Settings;

fn security(properties: &[(&str, &str)]) -> Result<Security, String> {
    let mut settings = Settings::default();
    for (name, value) in properties {
        settings.set(name, value).map_err(|error| error.to_string())?;
    }
    Security::try_new(&settings.security).map_err(|error| error.to_string())
}

#[test]
fn login_modules_are_read_as_java_users_write_them() {
    for (text, username, password) in [
        (
            r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="a b;=\"c";"#,
            "alice",
            "a b;=\"c",
        ),
        (
            "x.ScramLoginModule required username='al\\\\ice'\n  password = secret ;",
            "al\\ice",
            "secret",
        ),
        ("ScramLoginModule REQUIRED password=\"p\" username=\"u\";", "u", "p"),
    ] {
        let jaas = parse(text).unwrap();
        assert_eq!(jaas.username.as_deref(), Some(username));
        assert_eq!(jaas.password.as_deref(), Some(password));
    }
    assert!(parse("a.OAuthBearerLoginModule required;").is_some());
    for wrong in [
        "",
        ";",
        "a.PlainLoginModule required username=\"u\" password=\"p\"",
        "a.PlainLoginModule username=\"u\" password=\"p\";",
        "a.PlainLoginModule required username=\"u;",
        "a.PlainLoginModule required username;",
        "a.PlainLoginModule required username=;",
        "a.ScramLoginModule required username=\"u\" password=\"p\" tokenauth=\"true\";",
        "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true;",
    ] {
        assert!(parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn properties_that_do_not_fit_together_are_named() {
    for (properties, said) in [
        (
            &[("sasl.password", "x")][..],
            "sasl.password has no effect with security.protocol=PLAINTEXT",
        ),
        (
            &[("security.protocol", "SASL_PLAINTEXT"), ("ssl.ca.location", "x")],
            "ssl.ca.location has no effect with security.protocol=SASL_PLAINTEXT",
        ),
        (&[("security.protocol", "SASL_PLAINTEXT")], "sasl.mechanism is missing"),
        (
            &[
                ("security.protocol", "SASL_PLAINTEXT"),
                ("sasl.mechanism", "PLAIN"),
                ("sasl.username", "u"),
            ],
            "sasl.mechanism=PLAIN needs sasl.username and sasl.password",
        ),
        (
            &[("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "OAUTHBEARER")],
            "sasl.mechanism=OAUTHBEARER needs sasl.oauthbearer.token",
        ),
        (&[("sasl.mechanism", "GSSAPI")], "expected PLAIN, SCRAM-SHA-256"),
        (&[("sasl.oauthbearer.token.endpoint.url", "https://issuer/token")], "expected file:PATH"),
        (&[("ssl.truststore.type", "PEM")], "the nearest is ssl.truststore."),
    ] {
        let error = security(properties).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_secret_is_in_no_message() {
    for name in [
        "sasl.password",
        "sasl.pasword",
        "sasl.jaas.config",
        "sasl.oauthbearer.token",
        "ssl.keystore.key",
    ] {
        let error = security(&[("security.protocol", "SASL_SSL"), (name, "canary")]).unwrap_err();
        assert!(!error.contains("canary"), "{error}");
        let mut settings = Settings::default();
        drop(settings.set(name, "canary"));
        assert!(!format!("{settings:?}").contains("canary"));
    }
}
