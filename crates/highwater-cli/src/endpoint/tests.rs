//! Requests and their answers.

use super::*;

#[test]
fn only_the_page_is_served() {
    let status = |head: &str| {
        let response = respond(head, || "a 1\n".to_owned());
        response.lines().next().unwrap().to_owned()
    };
    assert_eq!(status("GET /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 OK");
    assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found");
    assert_eq!(status("POST /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
    assert_eq!(status("\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
    let response = respond("GET /metrics HTTP/1.1\r\n\r\n", || "a 1\n".to_owned());
    assert!(
        response.ends_with("Content-Length: 4\r\nConnection: close\r\n\r\na 1\n"),
        "{response}"
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let Err(failure) = Endpoint::open(address) else { panic!("the port is taken") };
    assert_eq!(failure.to_string(), format!("cannot serve metrics at {address}"));
}
