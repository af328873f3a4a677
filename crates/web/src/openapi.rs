//! The API's description, OpenAPI 3.1, made of the same declarations that the router is made of.

use std::sync::Arc;

use axum::Router;
use utoipa::openapi::{
    ContentBuilder, Info, OpenApi, RefOr, Response, ResponseBuilder,
    path::Operation,
    schema::Ref,
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{app::App, problem::Problem};

/// The answers that any request may get, besides its own.
const COMMON: [(&str, &str); 7] = [
    ("400", "a part of the request is not as it has to be"),
    ("401", "a token is needed"),
    ("403", "the caller may not do this"),
    ("404", "there is no such thing"),
    ("421", "the page is not known by the name in `Host`"),
    ("429", "too many requests; come again after `Retry-After` seconds"),
    ("503", "busy; come again after `Retry-After` seconds"),
];
/// Those that a request with a body may get.
const WITH_BODY: [(&str, &str); 3] = [
    ("413", "the body is too large"),
    ("415", "the body is not JSON"),
    ("422", "the body has another form, or speaks of what is not there"),
];

/// The router, and the text of its description.
pub(crate) fn finish(router: OpenApiRouter<Arc<App>>) -> (Router<Arc<App>>, String) {
    let (router, document) = router.split_for_parts();
    (router, describe(document).to_json().unwrap_or_default())
}

/// Adds what holds for all routes.
fn describe(mut document: OpenApi) -> OpenApi {
    document.info = Info::new("Beamline", "1");
    document.info.description = Some("What the streams are doing: see docs/api.md".to_owned());
    let components = document.components.get_or_insert_default();
    let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    components.security_schemes.insert("token".to_owned(), RefOr::T(scheme));
    components.schemas.insert("Problem".to_owned(), <Problem as utoipa::PartialSchema>::schema());
    // A token, or on loopback nothing.
    document.security =
        Some(vec![SecurityRequirement::new("token", Vec::<String>::new()), SecurityRequirement::default()]);
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            add_common(operation);
        }
    }
    document
}

fn add_common(operation: &mut Operation) {
    let with_body = operation.request_body.is_some();
    let answers = COMMON.iter().chain(WITH_BODY.iter().filter(|_| with_body));
    for (status, description) in answers {
        let known = &mut operation.responses.responses;
        known.entry((*status).to_owned()).or_insert_with(|| RefOr::T(problem(description)));
    }
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use serde_json::Value;

    use super::*;
    use crate::routes::routes;

    /// Methods and paths of the description.
    fn described() -> BTreeSet<String> {
        let (_, text) = finish(routes());
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                described.insert(format!("{method} {path}"));
                for status in ["400", "401", "403", "404", "421", "429", "503"] {
                    assert!(operation["responses"][status].is_object(), "{method} {path} does not describe {status}");
                }
            }
        }
        described
    }

    /// Methods and paths of the handlers, as they stand in the code.
    fn written() -> BTreeSet<String> {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routes")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        let mut written = BTreeSet::new();
        for file in files {
            let text = fs::read_to_string(file).unwrap();
            for handler in text.split("#[utoipa::path(").skip(1) {
                let method = handler.trim_start().split(',').next().unwrap().trim().to_owned();
                let path = handler.split("path = \"").nth(1).unwrap().split('"').next().unwrap();
                written.insert(format!("{method} {path}"));
            }
        }
        written
    }

    #[test]
    fn every_route_is_described_and_every_description_is_of_a_route() {
        assert_eq!(described(), written());
        assert!(described().len() >= 20, "{:?}", described());
    }

    #[test]
    fn no_route_is_added_past_the_description() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for name in ["server.rs", "routes.rs", "guard.rs"] {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            assert!(!text.contains(".route("), "{name} adds a route that the description does not know");
        }
    }
}
