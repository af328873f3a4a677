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

const USAGE: &str = "usage: make dev ARGS=\"[--brokers 3] [--with cassandra,jaeger] [--data FOLDER] [--ports free]\"";

/// Where the data stays from one time to the next.
const FOLDER: &str = ".dev-servers";

/// Those of one broker, or of three.
const KAFKA_PORTS: [u16; 3] = [9092, 9093, 9094];
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
    /// One for each broker.
    brokers: Vec<u16>,
    registry: u16,
}

impl Asked {
    fn from(args: impl IntoIterator<Item = String>) -> Result<Self, ServerError> {
        let mut asked = Self {
            folder: FOLDER.into(),
            cassandra: false,
            jaeger: false,
            brokers: KAFKA_PORTS[..1].to_vec(),
            registry: REGISTRY_PORT,
        };
        let mut has_free_ports = false;
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let value = args.next().ok_or_else(|| ServerError::Options(format!("{arg} needs a value; {USAGE}")))?;
            match arg.as_str() {
                "--data" => asked.folder = value.into(),
                "--brokers" if value == "1" => asked.brokers.truncate(1),
                "--brokers" if value == "3" => asked.brokers = KAFKA_PORTS.to_vec(),
                "--brokers" => return Err(ServerError::Options(format!("--brokers is 1 or 3, not {value}"))),
                "--ports" if value == "free" => has_free_ports = true,
                "--with" => value.split(',').try_for_each(|name| asked.with(name))?,
                _ => return Err(ServerError::Options(format!("unknown argument {arg}; {USAGE}"))),
            }
        }
        if has_free_ports {
            asked.brokers.iter_mut().chain([&mut asked.registry]).for_each(|port| *port = free_port());
        }
        Ok(asked)
    }

    /// Where Kafka's data is: a cluster of three cannot go on with that of a single broker.
    fn kafka_folder(&self) -> PathBuf {
        self.folder.join(if self.brokers.len() == 1 { "kafka" } else { "kafka-of-three" })
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
        let mut ports = self.brokers.clone();
        ports.push(self.registry);
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
            let kafka = scope.spawn(|| Kafka::start_in(&asked.kafka_folder(), &asked.brokers));
            let registry = scope.spawn(|| Apicurio::start_in(&folder("registry"), asked.registry));
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
        let brokers = vec![9092, 9093, 9094];
        let all = Asked { folder: "x".into(), cassandra: true, jaeger: true, brokers, registry: 8081 };
        assert_eq!(asked(&["--with", "cassandra,jaeger", "--data", "x", "--brokers", "3"]), Ok(all));
        assert_eq!(asked(&[]).unwrap().ports(), [9092, 8081]);
        let free = asked(&["--ports", "free", "--brokers", "3"]).unwrap().ports();
        assert_eq!(free.len(), 4);
        assert!(free.iter().all(|port| !KAFKA_PORTS.contains(port) && *port != 8081), "{free:?}");
        assert_eq!(asked(&["--brokers", "2"]).unwrap_err(), "--brokers is 1 or 3, not 2");
        assert!(asked(&["--with", "redis"]).unwrap_err().starts_with("no server `redis`"));
        assert!(asked(&["--data"]).unwrap_err().starts_with("--data needs a value"));
        assert!(asked(&["--wiht", "x"]).unwrap_err().starts_with("unknown argument --wiht"));
    }
}
