//! The remaining columns of the tables that every organisation has, from Microsoft's table reference
//! (<https://learn.microsoft.com/power-apps/developer/data-platform/reference/about-entity-reference>).
//! Nothing in the sandbox fills them: they read as null, or as the default that the reference names.
//!
//! Left out are the names of lookups and owners (`createdbyname`, `owneridtype`), which the Web API does not have.

use serde_json::json;

use super::columns::{column, fixed, lookup, system};
use super::schema::{Column, Kind, Lookup};

/// The longest memo.
const LONGEST: usize = 1_073_741_823;

/// Returns what most tables have besides dates: who acted for somebody else, and what an import leaves behind.
pub(super) fn housekeeping() -> Vec<Column> {
    joined([
        read_only(lookups("systemuser", "createdonbehalfby modifiedonbehalfby")),
        integers("importsequencenumber timezoneruleversionnumber utcconversiontimezonecode"),
        dates("overriddencreatedon"),
    ])
}

/// Returns who a row belongs to, besides its owner.
pub(super) fn ownership() -> Vec<Column> {
    read_only(joined([
        lookups("businessunit", "owningbusinessunit"),
        lookups("team", "owningteam"),
        lookups("systemuser", "owninguser"),
    ]))
}

/// Returns who created and changed a row that belongs to the organisation.
pub(super) fn authors() -> Vec<Column> {
    read_only(lookups("systemuser", "createdby modifiedby createdonbehalfby modifiedonbehalfby"))
}

/// Returns the columns of `workflow`.
pub(super) fn workflow() -> Vec<Column> {
    let read_only = read_only(joined([
        lookups("sdkmessage", "sdkmessageid"),
        lookups("plugintype", "plugintypeid"),
        lookups("systemuser", "createdonbehalfby modifiedonbehalfby"),
        yes_or_no(false, "iscrmuiworkflow trustedaccess"),
        memos(LONGEST, "uidata"),
        image(),
    ]));
    let written = joined([
        yes_or_no(
            false,
            "asyncautodelete ondemand planverified subprocess syncworkflowlogonfailure",
        ),
        yes_or_no(false, "triggeroncreate triggerondelete"),
        yes_or_no(true, "istransacted"),
        booleans("iscustomprocessingstepallowedforotherpublishers"),
        memos(100_000, "billingcontext claims connectionreferences createmetadata credentials"),
        memos(100_000, "dependencies desktopflowmodules metadata modifymetadata"),
        memos(10_000, "dynamicssolutioncontext"),
        memos(1_048_576, "inputs outputs processroleassignment"),
        memos(16_777_216, "definition"),
        memos(LONGEST, "inputparameters triggeronupdateattributelist xaml"),
        texts(48, "introducedversion"),
        texts(100, "schemaversion"),
        texts(64, "rendererobjecttypecode"),
        guids("formid processtriggerformid"),
        integers("languagecode processorder rank"),
        workflow_choices(),
    ]);
    let licence = [
        pointing("licensee", "systemuser", "licensee_systemuserid"),
        pointing("licenseentitledby", "workflow", "licenseentitledby_workflowid"),
    ];
    joined([read_only, ownership(), written, licence.into()])
}

fn workflow_choices() -> Vec<Column> {
    let stages: &[(i64, &str)] = &[(20, "Pre-operation"), (40, "Post-operation")];
    let scopes = [
        (1, "User"),
        (2, "Business Unit"),
        (3, "Parent: Child Business Units"),
        (4, "Organization"),
    ];
    let recorders = [
        (0, "Windows recorder (V1)"),
        (1, "Selenium IDE"),
        (2, "Power Automate Desktop"),
        (3, "Test"),
        (101, "Recording"),
    ];
    vec![
        options("businessprocesstype", &[(0, "Business Flow"), (1, "Task Flow")]),
        options("createstage", stages),
        options("deletestage", stages),
        options("updatestage", stages),
        options("mode", &[(0, "Background"), (1, "Real-time")]).default(json!(0)),
        options("processtriggerscope", &[(1, "Form"), (2, "Entity")]),
        options("runas", &[(0, "Owner"), (1, "Calling User")]).default(json!(1)),
        options("scope", &scopes).default(json!(4)),
        options("throttlingbehavior", &[(0, "None"), (1, "TenantPool"), (2, "CopilotStudio")]),
        options("uiflowtype", &recorders),
    ]
}

/// Returns the columns of `environmentvariabledefinition`.
pub(super) fn definition() -> Vec<Column> {
    joined([
        read_only(guids("environmentvariabledefinitionidunique")),
        housekeeping(),
        ownership(),
        texts(48, "introducedversion"),
        texts(2000, "learnmoreurl"),
        memos(10_000, "inputcontrolconfig"),
        vec![pointing("connectionreferenceid", "connectionreference", "ConnectionReferenceId")],
    ])
}

/// Returns the columns of `environmentvariablevalue`.
pub(super) fn value() -> Vec<Column> {
    joined([
        read_only(guids("environmentvariablevalueidunique")),
        housekeeping(),
        ownership(),
        texts(48, "introducedversion"),
    ])
}

/// Returns the columns of `solution`.
pub(super) fn solution() -> Vec<Column> {
    let types = [(0, "None"), (1, "Snapshot"), (2, "Internal")];
    let synchronised = [
        (0, "Not started"),
        (1, "Initial sync in progress"),
        (2, "Errors in initial sync"),
        (3, "Pending changes to be committed"),
        (4, "Committed"),
    ];
    let read_only = read_only(joined([
        authors(),
        lookups("organization", "organizationid"),
        lookups("solution", "parentsolutionid"),
        dates("installedon updatedon"),
        yes_or_no(false, "isapimanaged"),
        texts(255, "pinpointassetid"),
        texts(16, "pinpointsolutiondefaultlocale"),
        big_integers("pinpointpublisherid pinpointsolutionid"),
        memos(LONGEST, "upgradeinfo"),
        unreadable(booleans("isinternal")),
    ]));
    let written = joined([
        lookups("publisher", "publisherid"),
        lookups("webresource", "configurationpageid"),
        texts(256, "solutionpackageversion"),
        vec![fixed(options("solutiontype", &types)).default(json!(0))],
        fixed_all(texts(65, "templatesuffix")),
        fixed_all(unreadable(texts(65, "thumbprint"))),
        yes_or_no(false, "enabledforsourcecontrolintegration"),
        vec![options("sourcecontrolsyncstatus", &synchronised)],
    ]);
    joined([read_only, written])
}

/// Returns the columns of `solutioncomponent`.
pub(super) fn solution_component() -> Vec<Column> {
    read_only(joined([authors(), guids("rootsolutioncomponentid"), yes_or_no(false, "ismetadata")]))
}

/// Returns the columns of `systemuser`.
pub(super) fn system_user() -> Vec<Column> {
    let read_only = read_only(joined([
        lookups("systemuser", "createdby modifiedby"),
        lookups("mailbox", "defaultmailbox"),
        guids("organizationid activedirectoryguid"),
        texts(1024, "applicationiduri"),
        texts(500, "disabledreason"),
        texts(200, "yomifullname"),
        dates("azuredeletedon latestupdatetime"),
        yes_or_no(false, "isactivedirectoryuser isallowedbyipfirewall"),
        decimals("exchangerate"),
        vec![
            options(
                "azurestate",
                &[(0, "Exists"), (1, "Soft deleted"), (2, "Not found or hard deleted")],
            )
            .default(json!(0)),
        ],
        vec![options("deletedstate", &[(0, "Not deleted"), (1, "Soft deleted")]).default(json!(0))],
        image(),
    ]));
    let written = joined([
        housekeeping(),
        lookups("calendar", "calendarid"),
        lookups("mobileofflineprofile", "mobileofflineprofileid"),
        lookups("systemuser", "parentsystemuserid"),
        lookups("position", "positionid"),
        lookups("queue", "queueid"),
        lookups("site", "siteid"),
        lookups("territory", "territoryid"),
        lookups("transactioncurrency", "transactioncurrencyid"),
        guids("applicationid processid stageid"),
        yes_or_no(
            false,
            "defaultfilterspopulated isemailaddressapprovedbyo365admin isintegrationuser",
        ),
        yes_or_no(false, "islicensed issyncwithdirectory setupuser"),
        yes_or_no(true, "displayinserviceviews"),
        integers("identityid passporthi passportlo userlicensetype"),
        texts(256, "firstname lastname"),
        texts(50, "middlename nickname homephone"),
        texts(64, "mobilephone yomifirstname yomilastname"),
        texts(50, "yomimiddlename"),
        texts(
            100,
            "employeeid governmentid jobtitle mobilealertemail personalemailaddress skills userpuid",
        ),
        texts(200, "defaultodbfoldername photourl yammeremailaddress"),
        texts(128, "title yammeruserid"),
        texts(20, "salutation"),
        texts(1024, "sharepointemailaddress windowsliveid"),
        texts(1250, "traversedpath"),
        user_choices(),
        addresses(),
    ]);
    joined([read_only, written])
}

fn user_choices() -> Vec<Column> {
    let access = [
        (0, "Read-Write"),
        (1, "Administrative"),
        (2, "Read"),
        (3, "Support User"),
        (4, "Non-interactive"),
        (5, "Delegated Admin"),
    ];
    let licences = [
        (0, "Professional"),
        (1, "Administrative"),
        (2, "Basic"),
        (3, "Device Professional"),
        (4, "Device Basic"),
        (5, "Essential"),
        (6, "Device Essential"),
        (7, "Enterprise"),
        (8, "Device Enterprise"),
        (9, "Sales"),
        (10, "Service"),
        (11, "Field Service"),
        (12, "Project Service"),
    ];
    let approval = [(0, "Empty"), (1, "Approved"), (2, "Pending Approval"), (3, "Rejected")];
    let delivery = [
        (0, "None"),
        (1, "Microsoft Dynamics 365 for Outlook"),
        (2, "Server-Side Synchronization or Email Router"),
        (3, "Forward Mailbox"),
    ];
    let invitations = [
        (0, "Invitation Not Sent"),
        (1, "Invited"),
        (2, "Invitation Near Expired"),
        (3, "Invitation Expired"),
        (4, "Invitation Accepted"),
        (5, "Invitation Rejected"),
        (6, "Invitation Revoked"),
    ];
    let telephones =
        [(1, "Main Phone"), (2, "Other Phone"), (3, "Home Phone"), (4, "Mobile Phone")];
    vec![
        options("accessmode", &access).default(json!(0)),
        options("caltype", &licences).default(json!(7)),
        options("emailrouteraccessapproval", &approval).default(json!(0)),
        options("incomingemaildeliverymethod", &delivery).default(json!(1)),
        options("outgoingemaildeliverymethod", &delivery[..3]).default(json!(1)),
        options("invitestatuscode", &invitations),
        options("preferredaddresscode", &[(1, "Mailing Address"), (2, "Other Address")]),
        options("preferredemailcode", &[(1, "Default Value")]),
        options("preferredphonecode", &telephones),
    ]
}

/// Returns the columns of two addresses, as users and publishers have them.
fn addresses() -> Vec<Column> {
    joined(["address1", "address2"].map(|address| {
        let named = |names: &str| {
            let names = names.split_whitespace().map(|name| format!("{address}_{name}"));
            names.collect::<Vec<_>>().join(" ")
        };
        joined([
            guids(&named("addressid")),
            integers(&named("utcoffset")),
            doubles(&named("latitude longitude")),
            texts(1024, &named("line1 line2 line3")),
            texts(128, &named("city country county stateorprovince")),
            texts(100, &named("name")),
            texts(64, &named("fax telephone1 telephone2 telephone3")),
            texts(40, &named("postalcode postofficebox")),
            texts(4, &named("upszone")),
            vec![
                options(&named("addresstypecode"), &[(1, "Default Value")]),
                options(&named("shippingmethodcode"), &[(1, "Default Value")]),
            ],
        ])
    }))
}

/// Returns the columns of `organization`: settings that are numbers, texts, or true or false, and the choices and
/// lookups that clients ask for.
pub(super) fn organization() -> Vec<Column> {
    joined([
        authors(),
        read_only(yes_or_no(false, "isdisabled")),
        lookups("transactioncurrency", "basecurrencyid"),
        guids("systemuserid integrationuserid supportuserid"),
        integers("localeid currencydecimalprecision maxuploadfilesize plugintracelogsetting"),
        integers("auditretentionperiodv2 flowruntimetoliveinseconds sessiontimeoutinmins"),
        texts(13, "currencysymbol"),
        texts(256, "schemanameprefix initialversion"),
        texts(255, "dateformatstring timeformatstring"),
        memos(LONGEST, "orgdborgsettings featureset"),
        texts(LONGEST, "blockedattachments"),
        yes_or_no(
            false,
            "isauditenabled isuseraccessauditenabled isreadauditenabled isduplicatedetectionenabled",
        ),
        yes_or_no(
            true,
            "isautosaveenabled enableflowsinsolutionbydefault enablecanvasappsinsolutionsbydefault",
        ),
        organization_settings(),
    ])
}

fn organization_settings() -> Vec<Column> {
    joined([
        read_only(texts(500, "disabledreason")),
        read_only(texts(256, "baseisocurrencycode basecurrencysymbol v3calloutconfighash")),
        read_only(texts(256, "sqlaccessgroupname parsedtableprefix webresourcehash")),
        read_only(integers(
            "basecurrencyprecision currentimportsequencenumber currentparsedtablenumber",
        )),
        read_only(integers("nextcustomobjecttypecode maxsupportedinternetexplorerversion")),
        read_only(big_integers("metadatasynctimestamp")),
        read_only(guids("privreportinggroupid privilegeusergroupid reportinggroupid")),
        read_only(dates("metadatasynclasttimeofneverexpireddeletedobjects")),
        guids("businessclosurecalendarid delegatedadminuserid sampledataimportid"),
        dates("fiscalcalendarstart"),
        organization_texts(),
        organization_numbers(),
        organization_flags(),
    ])
}

fn organization_texts() -> Vec<Column> {
    joined([
        texts(20, "bulkoperationprefix campaignprefix caseprefix categoryprefix contractprefix"),
        texts(20, "invoiceprefix kaprefix kbprefix orderprefix"),
        texts(256, "trackingprefix tokenkey"),
        texts(25, "amdesignator pmdesignator fiscalperiodformat fiscalyearformat numberformat"),
        texts(50, "numbergroupformat fiscalyearperiodconnect"),
        texts(5, "dateseparator decimalsymbol numberseparator timeseparator"),
        texts(
            500,
            "globalhelpurl privacystatementurl aciwebendpointurl postmessagewhitelistdomains",
        ),
        texts(1024, "bingmapsapikey picture signupoutlookdownloadfwlink socialinsightsinstance"),
        texts(
            256,
            "privreportinggroupname reportinggroupname hashfilterkeywords defaultcrmcustomname",
        ),
        texts(1000, "officegraphdelveurl yammernetworkpermalink"),
        memos(LONGEST, "defaultemailsettings defaultthemedata externalpartycorrelationkeys"),
        memos(
            LONGEST,
            "externalpartyentitysettings highcontrastthemedata kmsettings referencesitemapxml",
        ),
        memos(LONGEST, "sitemapxml slapausestates widgetproperties"),
    ])
}

fn organization_numbers() -> Vec<Column> {
    joined([
        integers("calendartype currentbulkoperationnumber currentcampaignnumber currentcasenumber"),
        integers("currentcontractnumber currentinvoicenumber currentkanumber currentkbnumber"),
        integers("currentordernumber currentquotenumber dayssincerecordlastmodifiedmaxvalue"),
        integers("expirechangetrackingindays expiresubscriptionsindays fiscalperiodtype"),
        integers("fiscalyeardisplaycode futureexpansionwindow goalrollupexpirytime"),
        integers("goalrollupfrequency hashdeltasubjectcount hashmaxcount hashminaddresscount"),
        integers("incomingemailexchangeemailretrievalbatchsize longdateformatcode"),
        integers("mailboxintermittentissueminrange mailboxpermanentissueminrange"),
        integers("maxappointmentdurationdays maxconditionsformobileofflinefilters"),
        integers("maxdepthforhierarchicalsecuritymodel maxfolderbasedtrackingmappings"),
        integers(
            "maximumactivebusinessprocessflowsallowedperentity maximumdynamicpropertiesallowed",
        ),
        integers("maximumentitieswithactivesla maximumslakpiperentitywithactivesla"),
        integers("maximumtrackingnumber maxrecordsforexporttoexcel maxrecordsforlookupfilters"),
        integers("maxverboseloggingmailbox maxverboseloggingsynccycles minoutlooksyncinterval"),
        integers(
            "mobileofflineminlicenseprod mobileofflineminlicensetrial mobileofflinesyncinterval",
        ),
        integers("negativecurrencyformatcode nexttrackingnumber pinpointlanguagecode"),
        integers("pricingdecimalprecision recurrencedefaultnumberofoccurrences"),
        integers("recurrenceexpansionjobbatchinterval recurrenceexpansionjobbatchsize"),
        integers(
            "recurrenceexpansionsynchcreatemax sortid tagmaxaggressivecycles tagpollingperiod",
        ),
        integers("timezoneruleversionnumber tokenexpiry trackingtokenidbase trackingtokeniddigits"),
        integers("uniquespecifierlength utcconversiontimezonecode yammergroupid"),
    ])
}

fn organization_flags() -> Vec<Column> {
    let names = "allowaddressbooksyncs allowautounsubscribe allowautounsubscribeacknowledgement \
        allowclientmessagebarad allowentityonlyaudit allowmarketingemailexecution \
        allowoutlookscheduledsyncs allowunresolvedpartiesonemailsend allowuserformmodepreference \
        allowusersseeappdownloadmessage allowwebexcelexport appdesignerexperienceenabled \
        autoapplydefaultoncasecreate autoapplydefaultoncaseupdate autoapplysla cascadestatusupdate \
        cortanaproactiveexperienceenabled createproductswithoutparentinactivestate \
        disablesocialcare displaynavigationtour emailcorrelationenabled enablebingmapsintegration \
        enablelpauthoring enablemicrosoftflowintegration enablepricingoncreate enablesmartmatching \
        enforcereadonlyplugins fiscalsettingsupdated generatealertsforerrors \
        generatealertsforinformation generatealertsforwarnings getstartedpanecontentenabled \
        globalhelpurlenabled grantaccesstonetworkservice isactioncardenabled isappmode \
        isappointmentattachmentsyncenabled isassignedtaskssyncenabled isautodatacaptureenabled \
        isconflictdetectionenabledformobileclient iscontactmailingaddresssyncenabled \
        isdelegateaccessenabled isdelveactionhubintegrationenabled \
        isduplicatedetectionenabledforimport isduplicatedetectionenabledforofflinesync \
        isduplicatedetectionenabledforonlinecreateupdate isemailmonitoringallowed \
        isemailserverprofilecontentfilteringenabled isenabledforallroles \
        isexternalsearchindexenabled isfiscalperiodmonthbased isfolderbasedtrackingenabled \
        isfulltextsearchenabled ishierarchicalsecuritymodelenabled \
        ismailboxforcedunlockingenabled ismailboxinactivebackoffenabled \
        ismobileclientondemandsyncenabled ismobileofflineenabled isofficegraphenabled \
        isonedriveenabled ispresenceenabled ispreviewforautocaptureenabled \
        ispreviewforemailmonitoringallowed isrelationshipinsightsenabled \
        isresourcebookingexchangesyncenabled issopintegrationenabled \
        officeappsautodeploymentenabled oobpricecalculationenabled orginsightsenabled \
        powerbifeatureenabled productrecommendationsenabled quickfindrecordlimitenabled \
        rendersecureiframeforemail requireapprovalforqueueemail requireapprovalforuseremail \
        restrictstatusupdate sharetopreviousowneronassign showkbarticledeprecationnotification \
        showweeknumber socialinsightsenabled socialinsightstermsaccepted sqmenabled \
        taskbasedflowenabled textanalyticsenabled unresolveemailaddressifmultiplematch \
        useinbuiltrulefordefaultpricelistselection uselegacyrendering usepositionhierarchy \
        usereadform useskypeprotocol yammeroauthaccesstokenexpired";
    booleans(names)
}

/// Returns the columns of `connectionreference`.
pub(super) fn connection_reference() -> Vec<Column> {
    joined([
        read_only(guids("componentidunique")),
        housekeeping(),
        ownership(),
        texts(1000, "connectionid connectorid"),
        texts(200, "connectionreferencedisplayname connectionreferencelogicalname"),
        texts(2000, "description"),
        vec![pointing("customconnectorid", "connector", "CustomConnectorId")],
        vec![
            options("promptingbehavior", &[(0, "Prompt on import"), (1, "Skip")]).default(json!(0)),
        ],
    ])
}

/// Returns the columns of `publisher`.
pub(super) fn publisher() -> Vec<Column> {
    joined([
        authors(),
        read_only(joined([
            lookups("organization", "organizationid"),
            yes_or_no(false, "isreadonly"),
            texts(255, "pinpointpublisherdefaultlocale"),
            big_integers("pinpointpublisherid"),
            image(),
        ])),
        texts(256, "uniquename friendlyname"),
        texts(8, "customizationprefix"),
        integers("customizationoptionvalueprefix"),
        texts(2000, "description"),
        texts(100, "emailaddress"),
        texts(200, "supportingwebsiteurl"),
        addresses(),
    ])
}

/// Returns the columns of `flowrun`.
pub(super) fn flow_run() -> Vec<Column> {
    joined([
        housekeeping(),
        ownership(),
        fixed_all(texts(100, "name")),
        integers("duration ttlinseconds"),
        dates("starttime endtime"),
        texts(100, "errorcode parentrunid partitionid resourceid status triggertype workflowid"),
        memos(20_000, "errormessage"),
        vec![options("isprimary", &[(0, "false"), (1, "true")])],
        vec![pointing("workflow", "workflow", "Workflow")],
    ])
}

/// Returns the columns of `sdkmessage`.
pub(super) fn sdk_message() -> Vec<Column> {
    joined([
        authors(),
        read_only(joined([
            guids("sdkmessageidunique organizationid"),
            integers("customizationlevel throttlesettings"),
            yes_or_no(false, "isprivate isreadonly isvalidforexecuteasync workflowsdkstepenabled"),
        ])),
        texts(256, "name categoryname executeprivilegename"),
        texts(48, "introducedversion"),
        integers("availability"),
        yes_or_no(false, "autotransact expand isactive template"),
    ])
}

/// Returns the columns of `sdkmessagefilter`.
pub(super) fn sdk_message_filter() -> Vec<Column> {
    joined([
        authors(),
        read_only(joined([
            lookups("organization", "organizationid"),
            guids("sdkmessagefilteridunique"),
            integers("customizationlevel"),
            texts(64, "primaryobjecttypecode secondaryobjecttypecode"),
            yes_or_no(false, "isvisible workflowsdkstepenabled"),
        ])),
        lookups("sdkmessage", "sdkmessageid"),
        texts(256, "name"),
        texts(48, "introducedversion"),
        integers("availability restrictionlevel"),
        yes_or_no(false, "iscustomprocessingstepallowed"),
    ])
}

/// Returns the columns of `businessunit`.
pub(super) fn business_unit() -> Vec<Column> {
    joined([
        authors(),
        read_only(joined([
            lookups("organization", "organizationid"),
            yes_or_no(false, "isdisabled"),
            texts(500, "disabledreason"),
        ])),
        lookups("businessunit", "parentbusinessunitid"),
        texts(160, "name"),
        texts(100, "divisionname costcenter emailaddress"),
        texts(200, "websiteurl ftpsiteurl"),
        memos(2000, "description"),
    ])
}

fn image() -> Vec<Column> {
    joined([
        memos(LONGEST, "entityimage"),
        big_integers("entityimage_timestamp"),
        texts(200, "entityimage_url"),
        guids("entityimageid"),
    ])
}

fn joined(parts: impl IntoIterator<Item = Vec<Column>>) -> Vec<Column> {
    parts.into_iter().flatten().collect()
}

fn all(names: &str, kind: &Kind) -> Vec<Column> {
    names.split_whitespace().map(|name| column(name, kind.clone())).collect()
}

fn texts(length: usize, names: &str) -> Vec<Column> {
    all(names, &Kind::Text(length))
}

fn memos(length: usize, names: &str) -> Vec<Column> {
    all(names, &Kind::Memo(length))
}

fn guids(names: &str) -> Vec<Column> {
    all(names, &Kind::Guid)
}

fn integers(names: &str) -> Vec<Column> {
    all(names, &Kind::Integer)
}

fn big_integers(names: &str) -> Vec<Column> {
    all(names, &Kind::BigInteger)
}

fn decimals(names: &str) -> Vec<Column> {
    all(names, &Kind::Decimal)
}

fn doubles(names: &str) -> Vec<Column> {
    all(names, &Kind::Double)
}

fn dates(names: &str) -> Vec<Column> {
    all(names, &Kind::DateTime)
}

fn booleans(names: &str) -> Vec<Column> {
    all(names, &Kind::Boolean)
}

/// Makes columns of yes or no that read as their default until they are set.
fn yes_or_no(default: bool, names: &str) -> Vec<Column> {
    let shown = |column| Column { common: Some(json!(default)), ..column };
    booleans(names).into_iter().map(shown).collect()
}

/// Makes lookups whose navigation properties are named as they are.
fn lookups(target: &str, names: &str) -> Vec<Column> {
    names.split_whitespace().map(|name| lookup(name, target, name)).collect()
}

/// Makes a lookup whose navigation property has a name of its own.
fn pointing(name: &str, target: &str, navigation: &str) -> Column {
    let lookup = Lookup {
        target: target.to_owned(),
        navigation: navigation.to_owned(),
        collection: None,
        cascade: false,
        platform: false,
    };
    column(name, Kind::Lookup(lookup))
}

fn options(name: &str, options: &[(i64, &str)]) -> Column {
    let options = options.iter().map(|(value, label)| (*value, (*label).to_owned())).collect();
    column(name, Kind::Choice(options))
}

fn read_only(columns: Vec<Column>) -> Vec<Column> {
    columns.into_iter().map(system).collect()
}

fn fixed_all(columns: Vec<Column>) -> Vec<Column> {
    columns.into_iter().map(fixed).collect()
}

fn unreadable(columns: Vec<Column>) -> Vec<Column> {
    columns.into_iter().map(|column| Column { for_read: false, ..column }).collect()
}
