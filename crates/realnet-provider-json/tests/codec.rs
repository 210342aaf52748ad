//! Every value comes back as it was; what is no document is refused with its place.

use realnet_provider_generic::Codec as _;
use realnet_provider_json::JsonCodec;

#[test]
fn every_value_comes_back() {
    realnet_testkit::codec::expect_round_trips(
        |value| JsonCodec.encode(value),
        |text| JsonCodec.decode(text.as_bytes()).map_err(|fault| fault.to_string()),
    );
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    let deep = "[".repeat(100_000);
    for (text, line, words) in [
        ("{\n \"a\": 1,\n \"a\": 2}", 3, "twice"),
        ("{\n \"a\": ", 2, "EOF"),
        ("[1]\n[2]", 2, "trailing"),
        (deep.as_str(), 1, "deeper"),
        ("\n\n\"\u{1}\"", 3, "control"),
    ] {
        let fault = JsonCodec.decode(text.as_bytes()).unwrap_err();
        assert_eq!(fault.line, line, "{fault}");
        assert!(fault.message.contains(words) && fault.column > 0, "{fault}");
        assert!(!fault.message.contains("line"), "{fault}");
    }
    assert!(JsonCodec.decode(b"\"\xff\"").is_err());
}
