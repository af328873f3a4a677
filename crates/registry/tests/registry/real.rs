//! The client against real registries: what differs between them must not show.

use std::{thread, time::Duration};

use registry::{Level, Registered, Registry, RegistryError, Settings};
use servers::{Apicurio, GoRegistry, Proxy};

/// What all versions have, and another field with a default.
const FIRST: &str = r#"{"type": "record", "name": "E", "fields": [{"name": "a", "type": "long"}, {"name": "x", "type": "long", "default": 0}]}"#;
/// That field gone, and another with a default.
const SECOND: &str = r#"{"type": "record", "name": "E", "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": ["null", "string"], "default": null}]}"#;
/// A field without a default more.
const UNFIT: &str =
    r#"{"type": "record", "name": "E", "fields": [{"name": "a", "type": "long"}, {"name": "c", "type": "string"}]}"#;
/// The field that is gone, with another type: fits the second version, not the first.
const UNFIT_FOR_THE_FIRST: &str = r#"{"type": "record", "name": "E", "fields": [{"name": "a", "type": "long"}, {"name": "x", "type": "string", "default": ""}]}"#;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// What any registry must do for us.
fn serves(url: &str) {
    let client = Registry::new(&Settings::new(url)).unwrap();
    assert!(client.is_ready());
    assert_eq!(client.subjects(), Ok(Vec::new()));
    unknown_is_an_answer(&client);
    let first = client.register("s-value", FIRST).unwrap();
    client.set_compatibility("s-value", Level::FullTransitive).unwrap();
    assert_eq!(client.compatibility("s-value"), Ok(Level::FullTransitive));
    let second = client.register("s-value", SECOND).unwrap();
    assert_ne!(first, second);
    // Another client knows nothing yet: the registry itself must give the same ids again.
    let client = Registry::new(&Settings::new(url)).unwrap();
    assert_eq!(client.register("s-value", FIRST), Ok(first));
    assert_eq!(client.register("s-value", SECOND), Ok(second));
    assert_eq!(client.id_of("s-value", UNFIT), Ok(None));
    let fresh = Registry::new(&Settings::new(url)).unwrap();
    assert_eq!(json(&fresh.schema(first).unwrap()), json(FIRST));
    assert_eq!(json(&fresh.schema(second).unwrap()), json(SECOND));
    assert_eq!(client.versions("s-value"), Ok(vec![1, 2]));
    let Some(Registered { id, version, schema }) = client.latest("s-value").unwrap() else { panic!("registered") };
    assert_eq!((id, version, json(&schema)), (second, 2, json(SECOND)));
    assert_eq!(client.version("s-value", 1).unwrap().unwrap().id, first);
    assert_eq!(client.version("s-value", 9), Ok(None));
    assert_eq!(client.subjects(), Ok(vec!["s-value".to_owned()]));
    refuses(&client);
}

fn unknown_is_an_answer(client: &Registry) {
    assert_eq!(client.schema(424_242), Err(RegistryError::UnknownId { id: 424_242 }));
    assert_eq!(client.latest("s-value"), Ok(None));
    assert_eq!(client.versions("s-value"), Ok(Vec::new()));
    assert_eq!(client.id_of("s-value", FIRST), Ok(None));
    assert!(client.compatible("s-value", FIRST).unwrap().ok, "any may be the first");
    client.compatibility("s-value").unwrap();
}

fn refuses(client: &Registry) {
    assert!(client.compatible("s-value", SECOND).unwrap().ok);
    for schema in [UNFIT, UNFIT_FOR_THE_FIRST] {
        assert!(!client.compatible("s-value", schema).unwrap().ok);
        let error = client.register("s-value", schema).unwrap_err();
        assert!(matches!(&error, RegistryError::Incompatible { messages, .. } if !messages.is_empty()), "{error:?}");
    }
    let error = client.register("other-value", "{\"type\": \"nonsense\"}").unwrap_err();
    assert!(matches!(error, RegistryError::InvalidSchema { .. }), "{error:?}");
}

#[test]
fn the_registry_in_go_serves() {
    let server = GoRegistry::start().unwrap();
    serves(&server.url());
}

#[test]
fn apicurio_serves_and_a_wrong_base_path_is_said() {
    let server = Apicurio::start().unwrap();
    serves(&server.url());
    let root = server.url().replace("/apis/ccompat/v7", "");
    let client = Registry::new(&Settings::new(root)).unwrap();
    let error = client.schema(1).unwrap_err();
    assert!(matches!(error, RegistryError::Answer { .. }), "{error:?}");
    assert!(!client.is_ready());
}

#[test]
fn a_registry_that_is_cut_off_loses_nothing() {
    let server = GoRegistry::start().unwrap();
    let proxy = Proxy::start(server.url().trim_start_matches("http://")).unwrap();
    let client = Registry::new(&Settings::new(format!("http://{}", proxy.address()))).unwrap();
    let id = client.register("s-value", FIRST).unwrap();
    proxy.cut();
    assert!(!client.is_ready());
    let fresh = Registry::new(&Settings::new(format!("http://{}", proxy.address()))).unwrap();
    let impatient = fresh.retrying_for(Duration::from_millis(300)).schema(id).unwrap_err();
    assert!(impatient.is_retriable(), "{impatient:?}");
    thread::scope(|scope| {
        let asked = scope.spawn(|| fresh.schema(id));
        thread::sleep(Duration::from_secs(3));
        proxy.heal().unwrap();
        assert_eq!(json(&asked.join().unwrap().unwrap()), json(FIRST));
    });
    // What is remembered needs no registry.
    proxy.cut();
    assert_eq!(json(&client.schema(id).unwrap()), json(FIRST));
}
