//! `make dev`: the servers that the services talk to, on this machine, at their usual ports, until Ctrl-C.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a person at a terminal")]

use std::{
    env,
    net::TcpListener,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use servers::{Apicurio, Cassandra, Jaeger, Kafka, Node, ServerError, free_port};
use signal_hook::consts::{SIGINT, SIGTERM};

const USAGE: &str = "usage: make dev ARGS=\"[--with cassandra,jaeger] [--data FOLDER] [--ports free]\"";

/// Where the data stays from one time to the next.
const FOLDER: &str = ".dev-servers";

const KAFKA_PORT: u16 = 9092;
const REGISTRY_PORT: u16 = 8081;
const CASSANDRA_PORT: u16 = 9042;
const JAEGER_PORT: u16 = 16686;
const OTLP_PORT: u16 = 4318;

/// How often to look for Ctrl-C and for servers that have ended.
const POLL: Duration = Duration::from_millis(200);

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Asked {
    folder: PathBuf,
    cassandra: bool,
    jaeger: bool,
    /// Those of Kafka and the registry.
    ports: [u16; 2],
}

impl Asked {
    fn from(args: impl IntoIterator<Item = String>) -> Result<Self, ServerError> {
        let mut asked =
            Self { folder: FOLDER.into(), cassandra: false, jaeger: false, ports: [KAFKA_PORT, REGISTRY_PORT] };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let value = args.next().ok_or_else(|| ServerError::Options(format!("{arg} needs a value; {USAGE}")))?;
            match arg.as_str() {
                "--data" => asked.folder = value.into(),
                "--ports" if value == "free" => asked.ports = [free_port(), free_port()],
                "--with" => value.split(',').try_for_each(|name| asked.with(name))?,
                _ => return Err(ServerError::Options(format!("unknown argument {arg}; {USAGE}"))),
            }
        }
        Ok(asked)
    }

    fn with(&mut self, name: &str) -> Result<(), ServerError> {
        match name {
            "cassandra" => self.cassandra = true,
            "jaeger" => self.jaeger = true,
            _ => return Err(ServerError::Options(format!("no server `{name}`; there are cassandra and jaeger"))),
        }
        Ok(())
    }

    fn ports(&self) -> Vec<u16> {
        let mut ports = self.ports.to_vec();
        ports.extend(self.cassandra.then_some(CASSANDRA_PORT));
        ports.extend(self.jaeger.then_some([JAEGER_PORT, OTLP_PORT]).into_iter().flatten());
        ports
    }
}

/// What runs.
struct Running {
    kafka: Kafka,
    registry: Apicurio,
    cassandra: Option<Cassandra>,
    jaeger: Option<Jaeger>,
}

impl Running {
    /// Start all at once: each of them waits for disks and compilers most of the time.
    fn start(asked: &Asked) -> Result<Self, ServerError> {
        let folder = |name: &str| asked.folder.join(name);
        thread::scope(|scope| {
            let kafka = scope.spawn(|| Kafka::start_in(&folder("kafka"), asked.ports[0]));
            let registry = scope.spawn(|| Apicurio::start_in(&folder("registry"), asked.ports[1]));
            let cassandra =
                asked.cassandra.then(|| scope.spawn(|| Cassandra::start_in(&folder("cassandra"), CASSANDRA_PORT)));
            let jaeger = asked.jaeger.then(|| scope.spawn(|| Jaeger::start_at(OTLP_PORT, JAEGER_PORT)));
            Ok(Self {
                kafka: kafka.join().expect("a start that does not panic")?,
                registry: registry.join().expect("a start that does not panic")?,
                cassandra: cassandra.map(|start| start.join().expect("a start that does not panic")).transpose()?,
                jaeger: jaeger.map(|start| start.join().expect("a start that does not panic")).transpose()?,
            })
        })
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        let needed = self.kafka.nodes().iter().chain([self.registry.node()]);
        needed.chain(self.cassandra.as_ref().map(Cassandra::node)).chain(self.jaeger.as_ref().map(Jaeger::node))
    }

    fn print(&self, folder: &Path) {
        println!("Kafka      {}", self.kafka.bootstrap());
        println!("registry   {}", self.registry.url());
        if let Some(cassandra) = &self.cassandra {
            println!("Cassandra  {}", cassandra.contact_point());
        }
        if let Some(jaeger) = &self.jaeger {
            println!("Jaeger     {} (OTLP over HTTP: {})", jaeger.query_url(), jaeger.otlp_http());
        }
        println!("\nIn the shell where the services run:\n");
        println!("export BEAMLINE_KAFKA_BOOTSTRAP={}", self.kafka.bootstrap());
        println!("export BEAMLINE_REGISTRY_URL={}", self.registry.url());
        if let Some(cassandra) = &self.cassandra {
            println!("export BEAMLINE_CQL={} BEAMLINE_CQL_REPLICATION=1", cassandra.contact_point());
        }
        if let Some(jaeger) = &self.jaeger {
            println!("export OTEL_EXPORTER_OTLP_ENDPOINT={} BEAMLINE_TRACE_RATIO=1", jaeger.otlp_http());
        }
        println!("\nData and logs stay in {}. Ctrl-C stops the servers.", folder.display());
    }
}

/// Another server at a port would give an error that is hard to read.
fn need_free(port: u16) -> Result<(), ServerError> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(ServerError::Options(format!("port {port} cannot be used ({error}); stop what listens there")))
        }
    }
}

fn run(stop: &AtomicBool) -> Result<(), ServerError> {
    let asked = Asked::from(env::args().skip(1))?;
    asked.ports().into_iter().try_for_each(need_free)?;
    println!("starting; the first time fetches the servers, which takes minutes");
    let running = Running::start(&asked)?;
    running.print(&asked.folder);
    while !stop.load(Ordering::Relaxed) {
        running.nodes().try_for_each(Node::check)?;
        thread::sleep(POLL);
    }
    println!("stopping");
    thread::scope(|scope| {
        let stops: Vec<_> = running.nodes().map(|node| scope.spawn(|| node.stop())).collect();
        stops.into_iter().try_for_each(|stop| stop.join().expect("a stop that does not panic"))
    })
}

fn main() -> ExitCode {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // A second one ends this at once, and the servers with it.
        let registered = signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)));
        if let Err(error) = registered {
            eprintln!("error: cannot listen for Ctrl-C: {error}");
            return ExitCode::FAILURE;
        }
    }
    match run(&stop) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(args: &[&str]) -> Result<Asked, String> {
        Asked::from(args.iter().map(|arg| (*arg).to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_names_servers_and_a_folder() {
        let all = Asked { folder: "x".into(), cassandra: true, jaeger: true, ports: [9092, 8081] };
        assert_eq!(asked(&["--with", "cassandra,jaeger", "--data", "x"]), Ok(all));
        assert_eq!(asked(&[]).unwrap().ports(), [9092, 8081]);
        let free = asked(&["--ports", "free"]).unwrap().ports();
        assert!(free.iter().all(|port| *port != 9092 && *port != 8081), "{free:?}");
        assert!(asked(&["--with", "redis"]).unwrap_err().starts_with("no server `redis`"));
        assert!(asked(&["--data"]).unwrap_err().starts_with("--data needs a value"));
        assert!(asked(&["--wiht", "x"]).unwrap_err().starts_with("unknown argument --wiht"));
    }
}
