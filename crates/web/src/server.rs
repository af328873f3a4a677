//! The server: it listens, ends versions, and ends itself without waiting for those who follow.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    middleware,
    response::Response,
};
use tokio::{runtime::Builder, sync::watch, time};

use crate::{
    WebError,
    access::{Access, AccessSettings},
    app::App,
    files::Files,
    guard::guard,
    hub::{Hub, VERSION_INTERVAL},
    limits::Limits,
    openapi, routes,
    sql::Sql,
};

/// Threads that answer requests.
const THREADS: usize = 2;
/// Threads that queries run on.
const QUERY_THREADS: usize = 2;
/// Threads that wait for files.
const BLOCKING_THREADS_MAX: usize = 8;
/// How long answers that are under way may take when the server ends.
const END_MAX: Duration = Duration::from_secs(1);

/// A page that is served until it is ended.
pub struct Server {
    address: SocketAddr,
    ending: watch::Sender<bool>,
    hub: Arc<Hub>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Serves the page of `hub` on a listener that is bound already.
    ///
    /// # Errors
    /// `Access` where the settings do not fit the address; `Start` where the threads cannot be started.
    pub fn start(listener: TcpListener, hub: Arc<Hub>, settings: AccessSettings) -> Result<Self, WebError> {
        let address = listener.local_addr().map_err(WebError::Start)?;
        let access = Access::new(settings, address).map_err(WebError::Access)?;
        listener.set_nonblocking(true).map_err(WebError::Start)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .thread_name("page")
            .enable_all()
            .build()
            .map_err(WebError::Start)?;
        // A query that computes must not keep those waiting who follow.
        let queries = Builder::new_multi_thread()
            .worker_threads(QUERY_THREADS)
            .thread_name("query")
            .enable_all()
            .build()
            .map_err(WebError::Start)?;
        let (ending, ended) = watch::channel(false);
        let (router, document) = openapi::finish(routes::routes());
        let app = Arc::new(App {
            hub: hub.clone(),
            access,
            limits: Limits::new(),
            files: Files::new(),
            sql: Sql::new(queries.handle().clone()),
            openapi: document,
            ending: ended.clone(),
        });
        let router = router.fallback(file).layer(middleware::from_fn_with_state(app.clone(), guard)).with_state(app);
        hub.end_version();
        let serving = {
            let hub = hub.clone();
            async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                tokio::spawn(end_versions(hub));
                let service = router.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, service).with_graceful_shutdown(told(ended)).await
            }
        };
        let thread = thread::Builder::new().name("page".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(serving) {
                tracing::error!(%error, "the page is no longer served");
            }
            queries.shutdown_background();
            runtime.shutdown_timeout(END_MAX);
        });
        Ok(Self { address, ending, hub, thread: thread.map_err(WebError::Start)? })
    }

    /// Where the page is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows everyone what is known now, says goodbye, and ends.
    pub fn end(self) {
        self.hub.end_version();
        self.ending.send_replace(true);
        // A connection that is kept open without a request must not hold the process.
        let begun = std::time::Instant::now();
        while !self.thread.is_finished() && begun.elapsed() < END_MAX {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

async fn end_versions(hub: Arc<Hub>) {
    let mut interval = time::interval(VERSION_INTERVAL);
    interval.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        hub.end_version();
    }
}

async fn told(mut ended: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = ended.wait_for(|ending| *ending).await;
}

async fn file(State(app): State<Arc<App>>, request: Request) -> Response {
    app.files.answer(request.method(), request.uri().path(), request.headers())
}
