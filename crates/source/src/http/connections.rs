//! Takes connections in and serves each for as long as its limits allow; at the end, all of them for `shutdown_time_max`.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    HttpLimits,
    seats::{Seat, Seats},
};

/// How long to wait where the system gives no more connections (it has no descriptor left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How many connections are being turned away at a time, and how long each is given to read why.
const REFUSALS_MAX: usize = 64;
const REFUSAL_TIME_MAX: Duration = Duration::from_secs(1);
/// What a connection reads that finds every seat taken by work.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    content-type: application/json\r\ncontent-length: 49\r\n\r\n{\"error\":\"too many connections; try again later\"}";

/// Serves until `stop`, and then until the requests under way are answered or their time is over.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    router: Router,
    limits: HttpLimits,
    mut stop: oneshot::Receiver<()>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let seats = Seats::new(limits);
    let (ending, ended) = watch::channel(false);
    let (mut connections, mut refusals) = (JoinSet::new(), JoinSet::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // A sender that is gone means the same.
            _ = &mut stop => break,
        };
        // Those that have ended are let go of here: there are never more than seats and a few.
        while connections.try_join_next().is_some() {}
        while refusals.try_join_next().is_some() {}
        match accepted {
            Ok((stream, address)) => match seats.take(address.ip()) {
                Some(seat) => drop(connections.spawn(connection(stream, seat, router.clone(), limits, ended.clone()))),
                None if refusals.len() < REFUSALS_MAX => drop(refusals.spawn(refuse(stream))),
                None => drop(stream),
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection; trying again");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.shutdown_time_max, all).await.is_err() {
        tracing::warn!(left = connections.len(), "connections were cut off at the end of their time");
    }
    Ok(())
}

/// Serves one connection to its end.
async fn connection(
    stream: TcpStream,
    seat: Seat,
    router: Router,
    limits: HttpLimits,
    mut ending: watch::Receiver<bool>,
) {
    let seat = Arc::new(seat);
    // Answers are small, and each is waited for.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.layer(Extension(seat.clone())));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time_max)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        _ = connection.as_mut() => return,
        () = seat.lost() => return,
        () = sleep(limits.connection_time_max) => {}
        _ = ending.wait_for(|ending| *ending) => {}
    }
    // The request under way is answered, and no other is taken.
    connection.as_mut().graceful_shutdown();
    let last = limits.header_time_max + limits.body_time_max;
    tokio::select! {
        _ = timeout(last, connection) => {}
        () = seat.lost() => {}
    }
}

/// Says why a connection is not served, and reads what comes meanwhile: closing at once could take the answer back.
async fn refuse(mut stream: TcpStream) {
    let answered = async {
        stream.write_all(REFUSAL).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever does not read it in time is closed all the same.
    let _ = timeout(REFUSAL_TIME_MAX, answered).await;
}

/// Whether an error of `accept` says only that a client has gone already.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}
