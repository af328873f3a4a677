//! The columns of each synthetic profile: what a generator fills and what a schema must therefore have.

use arrow::datatypes::{DataType, TimeUnit};

use crate::Profile;

/// What kind of values a profile's column has. The generator casts them to the schema's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnClass {
    /// A name or number that identifies: utf8, int32 or int64.
    Identity,
    /// Text: utf8.
    Text,
    /// A whole number: int32 or int64.
    Whole,
    /// A number: float32 or float64.
    Number,
    /// True or false: boolean.
    Boolean,
    /// An instant: a timestamp in milliseconds or microseconds, or utf8 in ISO 8601.
    Time,
}

impl ColumnClass {
    /// Whether a column of this type can hold such values.
    pub fn accepts(self, data_type: &DataType) -> bool {
        match self {
            ColumnClass::Identity => matches!(data_type, DataType::Utf8 | DataType::Int32 | DataType::Int64),
            ColumnClass::Text => *data_type == DataType::Utf8,
            ColumnClass::Whole => matches!(data_type, DataType::Int32 | DataType::Int64),
            ColumnClass::Number => matches!(data_type, DataType::Float32 | DataType::Float64),
            ColumnClass::Boolean => *data_type == DataType::Boolean,
            ColumnClass::Time => {
                matches!(
                    data_type,
                    DataType::Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond, _) | DataType::Utf8
                )
            }
        }
    }

    /// The Avro type that a person writes for it.
    pub fn avro(self) -> &'static str {
        match self {
            ColumnClass::Identity => "string, int or long",
            ColumnClass::Text => "string",
            ColumnClass::Whole => "int or long",
            ColumnClass::Number => "float or double",
            ColumnClass::Boolean => "boolean",
            ColumnClass::Time => "string, or long with logicalType timestamp-micros or timestamp-millis",
        }
    }
}

/// A column of a synthetic profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileColumn {
    /// Its name.
    pub name: &'static str,
    /// What kind of values it has.
    pub class: ColumnClass,
    /// Whether the schema must have it. An optional one is filled where it does.
    pub required: bool,
}

const fn required(name: &'static str, class: ColumnClass) -> ProfileColumn {
    ProfileColumn { name, class, required: true }
}

const fn optional(name: &'static str, class: ColumnClass) -> ProfileColumn {
    ProfileColumn { name, class, required: false }
}

/// Labels that every profile fills where the schema has them: they judge the detector, which never sees them.
const IS_ANOMALY: ProfileColumn = optional("is_anomaly", ColumnClass::Boolean);
const ANOMALY_KIND: ProfileColumn = optional("anomaly_kind", ColumnClass::Text);

const PARTICLES: [ProfileColumn; 13] = [
    required("event_id", ColumnClass::Identity),
    required("timestamp", ColumnClass::Time),
    required("particle_type", ColumnClass::Text),
    required("energy_gev", ColumnClass::Number),
    required("momentum_x", ColumnClass::Number),
    required("momentum_y", ColumnClass::Number),
    required("momentum_z", ColumnClass::Number),
    required("detector_id", ColumnClass::Identity),
    required("is_anomaly", ColumnClass::Boolean),
    optional("event_number", ColumnClass::Whole),
    ANOMALY_KIND,
    optional("mass_gev", ColumnClass::Number),
    optional("charge", ColumnClass::Whole),
];

const SENSORS: [ProfileColumn; 9] = [
    required("reading_id", ColumnClass::Identity),
    required("timestamp", ColumnClass::Time),
    required("sensor_id", ColumnClass::Identity),
    required("temperature", ColumnClass::Number),
    required("humidity", ColumnClass::Number),
    required("pressure", ColumnClass::Number),
    required("battery", ColumnClass::Number),
    IS_ANOMALY,
    ANOMALY_KIND,
];

const LOGS: [ProfileColumn; 11] = [
    required("request_id", ColumnClass::Identity),
    required("timestamp", ColumnClass::Time),
    required("host", ColumnClass::Identity),
    required("level", ColumnClass::Text),
    required("status", ColumnClass::Whole),
    required("latency_ms", ColumnClass::Number),
    required("bytes", ColumnClass::Whole),
    required("path", ColumnClass::Text),
    required("message", ColumnClass::Text),
    IS_ANOMALY,
    ANOMALY_KIND,
];

const PRICES: [ProfileColumn; 7] = [
    required("trade_id", ColumnClass::Identity),
    required("timestamp", ColumnClass::Time),
    required("symbol", ColumnClass::Identity),
    required("price", ColumnClass::Number),
    required("volume", ColumnClass::Number),
    IS_ANOMALY,
    ANOMALY_KIND,
];

const CLICKS: [ProfileColumn; 8] = [
    required("event_id", ColumnClass::Identity),
    required("event_time", ColumnClass::Time),
    required("user_id", ColumnClass::Identity),
    required("event_type", ColumnClass::Text),
    required("product_id", ColumnClass::Text),
    required("session_id", ColumnClass::Text),
    IS_ANOMALY,
    ANOMALY_KIND,
];

const LOGINS: [ProfileColumn; 9] = [
    required("event_id", ColumnClass::Identity),
    required("timestamp", ColumnClass::Time),
    required("user_id", ColumnClass::Identity),
    required("country", ColumnClass::Text),
    required("device", ColumnClass::Text),
    required("success", ColumnClass::Boolean),
    required("duration_ms", ColumnClass::Number),
    IS_ANOMALY,
    ANOMALY_KIND,
];

const PAYMENTS: [ProfileColumn; 8] = [
    required("event_id", ColumnClass::Identity),
    required("timestamp", ColumnClass::Time),
    required("card_id", ColumnClass::Identity),
    required("amount", ColumnClass::Number),
    required("category", ColumnClass::Text),
    required("country", ColumnClass::Text),
    IS_ANOMALY,
    ANOMALY_KIND,
];

impl Profile {
    /// The columns that events of this profile have, in the generator's order.
    pub fn columns(self) -> &'static [ProfileColumn] {
        match self {
            Profile::Uniform | Profile::Physical => &PARTICLES,
            Profile::Sensors => &SENSORS,
            Profile::Logs => &LOGS,
            Profile::Prices => &PRICES,
            Profile::Clicks => &CLICKS,
            Profile::Logins => &LOGINS,
            Profile::Payments => &PAYMENTS,
        }
    }
}
