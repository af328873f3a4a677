//! A page and a client of it.

use std::{
    process::Child,
    thread,
    time::{Duration, Instant},
};

use reqwest::{
    Method, StatusCode,
    blocking::{Client, Response},
};
use serde_json::Value;
use servers::Program;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Who serves it; ended with the page.
enum Server {
    Service(Program),
    Run(Child),
}

/// A page and a client of it.
pub(crate) struct Page {
    server: Server,
    url: String,
    client: Client,
}

impl Page {
    pub(crate) fn new(program: Program, url: &str) -> Self {
        Self::over(Server::Service(program), url)
    }

    pub(crate) fn of_run(run: Child, url: &str) -> Self {
        Self::over(Server::Run(run), url)
    }

    /// The page, once it answers whoever asks.
    fn over(server: Server, url: &str) -> Self {
        // Straight to the page, whatever proxy the machine has.
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let page = Self { server, url: url.to_owned(), client };
        let begun = Instant::now();
        while let Err(error) = page.ask(Method::GET, "/streams", None, None) {
            assert!(begun.elapsed() < PATIENCE, "the page does not answer: {error}\n{}", page.log());
            thread::sleep(Duration::from_millis(50));
        }
        page
    }

    /// What is at a path of the stream, for whoever has this token.
    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), reqwest::Error> {
        let mut request = self.client.request(method, format!("{}/api/v1{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send()?;
        Ok((response.status(), response.json().unwrap_or_default()))
    }

    /// What is at a path of the stream, which must be there.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, found) = self.ask(Method::GET, &format!("/streams/particles{path}"), None, None).unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {found}\n{}", self.log());
        found
    }

    /// The live stream of these views.
    pub(crate) fn live(&self, views: &str) -> Response {
        self.client.get(format!("{}/api/v1/live?{views}", self.url)).send().unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::POST, &format!("/streams/particles{path}"), None, Some(body)).unwrap()
    }

    /// What is at a path of the stream, as soon as it is as wanted.
    pub(crate) fn wait(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        let mut last = String::new();
        while begun.elapsed() < PATIENCE {
            match self.ask(Method::GET, &format!("/streams/particles{path}"), None, None) {
                Ok((StatusCode::OK, found)) if wanted(&found) => return found,
                Ok((status, found)) => last = format!("{status} {found}"),
                Err(error) => last = error.to_string(),
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{path} is still {last}\n{}", self.log());
    }

    /// Stops and continues it, as a machine does that has too much to do.
    pub(crate) fn signal(&self, signal: &str) {
        match &self.server {
            Server::Service(program) => program.signal(signal).unwrap(),
            Server::Run(_) => unreachable!("only services are signalled"),
        }
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        match &mut self.server {
            Server::Service(program) => {
                program.signal("KILL").unwrap();
                program.wait(Duration::from_secs(10));
            }
            Server::Run(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }

    fn log(&self) -> String {
        match &self.server {
            Server::Service(program) => program.log(),
            Server::Run(_) => String::new(),
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Server::Run(child) = &mut self.server {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
