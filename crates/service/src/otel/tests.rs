//! Which variables are obeyed, and which refused.

use super::*;

fn of(variables: &[(&str, &str)]) -> Result<Option<Sending>, String> {
    let environment = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    read(&environment, Some("http://collector:4318/"), 0.25).map_err(|failure| {
        assert_eq!(failure.code(), Failure::CONFIGURATION);
        failure.to_string()
    })
}

fn sent(variables: &[(&str, &str)]) -> Sending {
    of(variables).unwrap().unwrap()
}

#[test]
fn without_variables_our_own_settings_hold() {
    let expected = Sending {
        address: "http://collector:4318/v1/traces".into(),
        certificate: None,
        identity: None,
        timeout: EXPORT_TIMEOUT,
        gzip: false,
        sampling: Sampling { by_parent: true, share: Some(0.25) },
        queue: QUEUE_SPANS,
        batch: BATCH_SPANS,
        linger: LINGER,
    };
    assert_eq!(sent(&[]), expected);
    // An empty variable says nothing, for that is how charts leave one out.
    assert_eq!(sent(&[("OTEL_TRACES_SAMPLER", ""), ("OTEL_BSP_SCHEDULE_DELAY", " ")]), expected);
}

#[test]
fn what_is_said_of_traces_goes_before_what_is_said_of_all() {
    let sending = sent(&[
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces:1/here"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/ca.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/me.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/me.key"),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "30000"),
    ]);
    assert_eq!(sending.address, "https://traces:1/here", "it is used as it is");
    assert_eq!(sending.timeout, Duration::from_secs(2), "the shorter of the two limits");
    assert!(sending.gzip);
    assert_eq!(sending.certificate, Some("/ca.pem".into()));
    assert_eq!(sending.identity, Some(("/me.pem".into(), "/me.key".into())));
    assert_eq!((sending.queue, sending.batch), (100, 100), "a batch fits into the queue");
    assert_eq!(sending.linger, Duration::from_millis(200));
}

#[test]
fn samplers_are_those_of_the_specification() {
    let sampling = |sampler: &str, argument: &str| {
        let sampling = sent(&[("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)]).sampling;
        (sampling.by_parent, sampling.share)
    };
    assert_eq!(sampling("always_on", ""), (false, Some(1.0)));
    assert_eq!(sampling("always_off", ""), (false, None));
    assert_eq!(sampling("traceidratio", "0.5"), (false, Some(0.5)));
    assert_eq!(sampling("parentbased_always_on", ""), (true, Some(1.0)));
    assert_eq!(sampling("parentbased_always_off", ""), (true, None));
    assert_eq!(sampling("parentbased_traceidratio", ""), (true, Some(1.0)));
}

#[test]
fn nothing_is_sent_where_that_is_asked_for() {
    assert_eq!(of(&[("OTEL_SDK_DISABLED", "true")]), Ok(None));
    assert_eq!(of(&[("OTEL_TRACES_EXPORTER", "none")]), Ok(None));
    assert!(of(&[("OTEL_SDK_DISABLED", "false")]).unwrap().is_some());
    assert_eq!(read(&|_| None, None, 1.0).unwrap(), None);
}

#[test]
fn what_cannot_be_obeyed_is_refused_by_name_all_at_once() {
    let refused = [
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_PROPAGATORS", "tracecontext,b3"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://ann:hunter2@collector"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/me.pem"),
        ("OTEL_SDK_DISABLED", "perhaps"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1s"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100000000"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10000"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "-1"),
        ("OTEL_BSP_MAX_CONCURRENT_EXPORTS", "4"),
    ];
    let message = of(&refused).unwrap_err();
    assert_eq!(message.lines().count(), refused.len(), "{message}");
    for (name, _) in refused {
        assert!(message.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}: {message}");
    }
    let argument = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")];
    assert_eq!(of(&argument).unwrap_err(), "OTEL_TRACES_SAMPLER_ARG is `2`, and must be a share from 0 to 1");
}
