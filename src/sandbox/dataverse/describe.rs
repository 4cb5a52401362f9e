//! One table, column, key or relationship as the JSON of its description.

use serde_json::{Map, Value, json};

use super::super::guid::Guid;
use super::schema::{Column, Key, Kind, Lookup, Table, metadata_id};

/// Describes a table, with its columns and keys, which are shown only when they are expanded.
pub(crate) fn entity(table: &Table) -> Value {
    let own = json!({
        "MetadataId": metadata_id(&[&table.name]),
        "LogicalName": table.name,
        "SchemaName": table.schema_name,
        "EntitySetName": table.set,
        "LogicalCollectionName": table.set,
        "CollectionSchemaName": format!("{}s", table.schema_name),
        "PrimaryIdAttribute": table.id,
        "PrimaryNameAttribute": table.primary_name,
        "ObjectTypeCode": table.type_code,
        "OwnershipType": if table.column("ownerid").is_some() { "UserOwned" } else { "OrganizationOwned" },
        "IsOptimisticConcurrencyEnabled": table.optimistic,
        "IsCustomEntity": table.custom,
        "IsManaged": !table.custom,
        "IsStateModelAware": table.column("statecode").is_some(),
        "IsSolutionAware": table.column("componentstate").is_some(),
        "TableType": table.kind.name(),
        "Description": label(&table.display),
        "DisplayName": label(&table.display),
        "DisplayCollectionName": label(&format!("{}s", table.display)),
        "CanCreateAttributes": managed(table.custom, "cancreateattributes"),
        "Privileges": PRIVILEGES.map(|kind| privilege(table, kind)),
        "Attributes": table.columns.iter().map(|column| attribute(table, column)).collect::<Vec<_>>(),
        "Keys": table.keys.iter().map(|one| key(table, one)).collect::<Vec<_>>(),
    });
    let mut body = common(table.custom);
    body.extend(own.as_object().cloned().unwrap_or_default());
    Value::Object(body)
}

/// The actions on rows of a table, each with a privilege of its own.
pub(super) const PRIVILEGES: [&str; 8] =
    ["Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo"];

fn privilege(table: &Table, kind: &str) -> Value {
    let name = format!("prv{kind}{}", table.schema_name);
    json!({
        "CanBeBasic": true,
        "CanBeDeep": true,
        "CanBeGlobal": true,
        "CanBeLocal": true,
        "CanBeEntityReference": false,
        "CanBeParentEntityReference": false,
        "Name": name,
        "PrivilegeId": Guid::derived(&["privilege", &name.to_lowercase()]).to_string(),
        "PrivilegeType": kind,
    })
}

/// Properties of `EntityMetadata` of which nothing is known.
const UNKNOWN: [&str; 19] = [
    "DataProviderId",
    "DataSourceId",
    "DaysSinceRecordLastModified",
    "EntityColor",
    "EntityHelpUrl",
    "ExternalCollectionName",
    "ExternalName",
    "HasChanged",
    "IconLargeName",
    "IconMediumName",
    "IconSmallName",
    "IconVectorName",
    "MobileOfflineFilters",
    "OwnerId",
    "OwnerIdType",
    "OwningBusinessUnit",
    "PrimaryImageAttribute",
    "RecurrenceBaseEntityLogicalName",
    "SettingOf",
];

/// Those that are false.
const NO: [&str; 30] = [
    "AutoCreateAccessTeams",
    "AutoRouteToOwnerQueue",
    "EnforceStateTransitions",
    "EntityHelpUrlEnabled",
    "HasActivities",
    "HasEmailAddresses",
    "HasFeedback",
    "HasNotes",
    "IsActivity",
    "IsActivityParty",
    "IsArchivalEnabled",
    "IsBPFEntity",
    "IsBusinessProcessEnabled",
    "IsChildEntity",
    "IsDocumentManagementEnabled",
    "IsDocumentRecommendationsEnabled",
    "IsEnabledForExternalChannels",
    "IsInteractionCentricEnabled",
    "IsIntersect",
    "IsKnowledgeManagementEnabled",
    "IsLogicalEntity",
    "IsMSTeamsIntegrationEnabled",
    "IsOneNoteIntegrationEnabled",
    "IsPrivate",
    "IsQuickCreateEnabled",
    "IsReadingPaneEnabled",
    "IsRetentionEnabled",
    "IsSLAEnabled",
    "SyncToExternalSearchIndex",
    "UsesBusinessDataLabelTable",
];

/// Those that are true.
const YES: [&str; 8] = [
    "CanTriggerWorkflow",
    "ChangeTrackingEnabled",
    "IsAIRUpdated",
    "IsAvailableOffline",
    "IsEnabledForCharts",
    "IsEnabledForTrace",
    "IsImportable",
    "IsValidForAdvancedFind",
];

/// Those that are managed properties.
const SETTINGS: [&str; 23] = [
    "CanBeInCustomEntityAssociation",
    "CanBeInManyToMany",
    "CanBePrimaryEntityInRelationship",
    "CanBeRelatedEntityInRelationship",
    "CanChangeHierarchicalRelationship",
    "CanChangeTrackingBeEnabled",
    "CanCreateCharts",
    "CanCreateForms",
    "CanCreateViews",
    "CanEnableSyncToExternalSearchIndex",
    "CanModifyAdditionalSettings",
    "IsAuditEnabled",
    "IsConnectionsEnabled",
    "IsCustomizable",
    "IsDuplicateDetectionEnabled",
    "IsMailMergeEnabled",
    "IsMappable",
    "IsOfflineInMobileClient",
    "IsReadOnlyInMobileClient",
    "IsRenameable",
    "IsValidForQueue",
    "IsVisibleInMobile",
    "IsVisibleInMobileClient",
];

/// Returns the properties of `EntityMetadata` that are the same for every table, or differ for custom ones.
fn common(custom: bool) -> Map<String, Value> {
    let mut body = Map::new();
    body.extend(UNKNOWN.map(|name| (name.to_owned(), Value::Null)));
    body.extend(NO.map(|name| (name.to_owned(), json!(false))));
    body.extend(YES.map(|name| (name.to_owned(), json!(true))));
    body.extend(SETTINGS.map(|name| (name.to_owned(), managed(custom, &name.to_lowercase()))));
    let rest = json!({
        "ActivityTypeMask": 0,
        "CreatedOn": CREATED,
        "ModifiedOn": CREATED,
        "IntroducedVersion": "1.0.0.0",
        "ReportViewName": null,
        "Settings": [],
    });
    body.extend(rest.as_object().cloned().unwrap_or_default());
    body
}

/// When tables and columns were made, as far as their descriptions say.
const CREATED: &str = "2020-01-01T00:00:00Z";

/// Prints a managed property.
fn managed(value: bool, name: &str) -> Value {
    json!({"Value": value, "CanBeChanged": value, "ManagedPropertyLogicalName": name})
}

fn label(text: &str) -> Value {
    let localized = json!({"Label": text, "LanguageCode": 1033, "IsManaged": false});
    json!({"LocalizedLabels": [localized], "UserLocalizedLabel": localized})
}

/// Describes a column.
pub(crate) fn attribute(table: &Table, column: &Column) -> Value {
    let (name, type_name) = attribute_type(&column.kind);
    let mut body = Map::new();
    let cast = cast_of(&column.kind);
    if cast != "AttributeMetadata" {
        body.insert("@odata.type".to_owned(), json!(format!("#Microsoft.Dynamics.CRM.{cast}")));
    }
    let plain = json!({
        "MetadataId": metadata_id(&[&table.name, &column.name]),
        "LogicalName": column.name,
        "SchemaName": column.schema_name,
        "EntityLogicalName": table.name,
        "AttributeType": name,
        "AttributeTypeName": {"Value": type_name},
        "IsPrimaryId": column.name == table.id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsValidForCreate": column.for_create,
        "IsValidForRead": column.for_read,
        "IsValidForUpdate": column.for_update,
        "IsCustomAttribute": table.custom,
        "IsSecured": column.secured.is_some(),
        "ColumnNumber": number(table, column),
        "IsLogical": false,
        "IsManaged": !table.custom,
        "IsValidForAdvancedFind": {"Value": true, "CanBeChanged": true, "ManagedPropertyLogicalName": "canmodifysearchsettings"},
        "IsRetrievable": false,
        "IsFilterable": false,
        "IsSearchable": false,
        "IsRequiredForForm": false,
        "HasChanged": null,
        "IntroducedVersion": "1.0.0.0",
        "Description": label(&column.schema_name),
        "SourceType": 0,
        "AttributeOf": null,
        "DisplayName": label(&column.schema_name),
        "RequiredLevel": {"Value": "None", "CanBeChanged": true, "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings"},
    });
    for part in [usual(), plain, special(column)] {
        if let Value::Object(part) = part {
            body.extend(part);
        }
    }
    Value::Object(body)
}

/// Returns the properties that are the same for every column.
fn usual() -> Value {
    json!({
        "CanBeSecuredForCreate": true,
        "CanBeSecuredForRead": true,
        "CanBeSecuredForUpdate": true,
        "CanModifyAdditionalSettings": managed(true, "canmodifyadditionalsettings"),
        "IsAuditEnabled": managed(true, "canmodifyauditsettings"),
        "IsCustomizable": managed(true, "iscustomizable"),
        "IsDataSourceSecret": false,
        "IsGlobalFilterEnabled": managed(false, "canmodifyglobalfiltersettings"),
        "IsRenameable": managed(true, "isrenameable"),
        "IsSortableEnabled": managed(false, "canmodifyissortablesettings"),
        "IsValidForForm": true,
        "IsValidForGrid": true,
        "IsValidODataAttribute": true,
        "AutoNumberFormat": "",
        "CreatedOn": CREATED,
        "ModifiedOn": CREATED,
        "DeprecatedVersion": null,
        "ExternalName": null,
        "InheritsFrom": null,
        "LinkedAttributeId": null,
    })
}

/// Returns the place of a column in its table, from one.
fn number(table: &Table, column: &Column) -> usize {
    let before = table.columns.iter().take_while(|other| other.name != column.name);
    before.count() + 1
}

/// Describes what only columns of one type have.
fn special(column: &Column) -> Value {
    match &column.kind {
        Kind::Text(longest) => {
            json!({"MaxLength": longest, "Format": "Text", "FormatName": {"Value": "Text"}, "DatabaseLength": longest * 2})
        }
        Kind::Memo(longest) => {
            json!({"MaxLength": longest, "Format": "TextArea", "FormatName": {"Value": "TextArea"}})
        }
        Kind::Integer => json!({"MinValue": i32::MIN, "MaxValue": i32::MAX, "Format": "None"}),
        Kind::BigInteger => json!({"MinValue": i64::MIN, "MaxValue": i64::MAX}),
        Kind::Decimal | Kind::Double => {
            json!({"MinValue": -100_000_000_000_i64, "MaxValue": 100_000_000_000_i64, "Precision": 10})
        }
        Kind::DateTime => json!({"Format": "DateAndTime"}),
        Kind::Lookup(lookup) => json!({"Targets": [lookup.target]}),
        Kind::Choice(options) | Kind::State(options) => {
            json!({"OptionSet": {"Options": options.iter().map(|(value, text)| json!({"Value": value, "Label": label(text)})).collect::<Vec<_>>()}})
        }
        Kind::Status(options) => {
            let options = options.iter().map(|(value, (state, text))| json!({"Value": value, "State": state, "Label": label(text)}));
            json!({"OptionSet": {"Options": options.collect::<Vec<_>>()}})
        }
        Kind::Boolean => json!({"OptionSet": {
            "TrueOption": {"Value": 1, "Label": label("Yes")},
            "FalseOption": {"Value": 0, "Label": label("No")},
        }}),
        Kind::Id | Kind::Guid => json!({}),
    }
}

/// Returns the derived type that describes a column of this type.
pub(crate) fn cast_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Id | Kind::Guid => "AttributeMetadata",
        Kind::Text(_) => "StringAttributeMetadata",
        Kind::Memo(_) => "MemoAttributeMetadata",
        Kind::Integer => "IntegerAttributeMetadata",
        Kind::BigInteger => "BigIntAttributeMetadata",
        Kind::Decimal => "DecimalAttributeMetadata",
        Kind::Double => "DoubleAttributeMetadata",
        Kind::Boolean => "BooleanAttributeMetadata",
        Kind::DateTime => "DateTimeAttributeMetadata",
        Kind::Choice(_) => "PicklistAttributeMetadata",
        Kind::State(_) => "StateAttributeMetadata",
        Kind::Status(_) => "StatusAttributeMetadata",
        Kind::Lookup(_) => "LookupAttributeMetadata",
    }
}

fn attribute_type(kind: &Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Id | Kind::Guid => ("Uniqueidentifier", "UniqueidentifierType"),
        Kind::Text(_) => ("String", "StringType"),
        Kind::Memo(_) => ("Memo", "MemoType"),
        Kind::Integer => ("Integer", "IntegerType"),
        Kind::BigInteger => ("BigInt", "BigIntType"),
        Kind::Decimal => ("Decimal", "DecimalType"),
        Kind::Double => ("Double", "DoubleType"),
        Kind::Boolean => ("Boolean", "BooleanType"),
        Kind::DateTime => ("DateTime", "DateTimeType"),
        Kind::Choice(_) => ("Picklist", "PicklistType"),
        Kind::State(_) => ("State", "StateType"),
        Kind::Status(_) => ("Status", "StatusType"),
        Kind::Lookup(_) => ("Lookup", "LookupType"),
    }
}

/// Describes an alternate key.
pub(crate) fn key(table: &Table, key: &Key) -> Value {
    json!({
        "MetadataId": metadata_id(&[&table.name, "key", &key.name]),
        "LogicalName": key.name.to_lowercase(),
        "SchemaName": key.name,
        "EntityLogicalName": table.name,
        "KeyAttributes": key.columns,
        "EntityKeyIndexStatus": key.index.name(),
        "IsManaged": !table.custom,
        "IsExportKey": !table.custom,
        "IsSynchronous": true,
        "DisplayName": label(&key.name),
    })
}

/// Describes the relationship of a lookup.
pub(crate) fn relationship(
    table: &Table,
    column: &Column,
    lookup: &Lookup,
    target: &Table,
) -> Value {
    let name = lookup
        .collection
        .clone()
        .unwrap_or_else(|| format!("{}_{}_{}", target.name, table.name, column.name));
    json!({
        "MetadataId": metadata_id(&[&table.name, "relationship", &column.name]),
        "SchemaName": name,
        "RelationshipType": "OneToManyRelationship",
        "CascadeConfiguration": cascade(lookup),
        "EntityKey": null,
        "HasChanged": null,
        "IntroducedVersion": "1.0.0.0",
        "IsCustomRelationship": table.custom,
        "IsCustomizable": managed(table.custom, "iscustomizable"),
        "IsHierarchical": false,
        "IsManaged": !table.custom,
        "IsRelationshipAttributeDenormalized": false,
        "IsValidForAdvancedFind": true,
        "RelationshipBehavior": 1,
        "SecurityTypes": "Append",
        "ReferencedEntity": target.name,
        "ReferencedAttribute": target.id,
        "ReferencedEntityNavigationPropertyName": name,
        "ReferencingEntity": table.name,
        "ReferencingAttribute": column.name,
        "ReferencingEntityNavigationPropertyName": lookup.navigation,
    })
}

/// Prints what becomes of the rows on the other side of a relationship.
fn cascade(lookup: &Lookup) -> Value {
    let deleted = if lookup.cascade { "Cascade" } else { "RemoveLink" };
    json!({
        "Assign": "NoCascade",
        "Delete": deleted,
        "Merge": "NoCascade",
        "Reparent": "NoCascade",
        "RollupView": "NoCascade",
        "Share": "NoCascade",
        "Unshare": "NoCascade",
    })
}
