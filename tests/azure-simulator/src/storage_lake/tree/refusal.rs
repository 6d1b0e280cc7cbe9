//! Why the tree does not do what it is asked for, in the words of the service.

/// A refusal, named as the service's error codes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    AuthorizationPermissionMismatch,
    ConditionNotMet,
    SourceConditionNotMet,
    ContentLengthMustBeZero,
    Crc64Mismatch,
    DirectoryNotEmpty,
    FilesystemAlreadyExists,
    FilesystemBeingDeleted,
    FilesystemNotFound,
    InvalidAcl,
    AclBaseMissing,
    InvalidFlushPosition,
    InvalidHeaderValue,
    InvalidInput,
    InvalidPropertyName,
    InvalidQueryParameterValue,
    InvalidRange,
    InvalidRenameSourcePath,
    InvalidResourceName,
    LeaseAlreadyPresent,
    LeaseIdMismatch,
    LeaseIdMismatchWithLeaseOperation,
    LeaseIdMissing,
    LeaseNotPresent,
    LeaseNotPresentOnWrite,
    Md5Mismatch,
    MissingRequiredHeader,
    MissingRequiredQueryParameter,
    NotModified,
    OutOfRangeQueryParameterValue,
    /// Of a creation; tells whether a directory is there.
    PathAlreadyExists {
        directory: bool,
    },
    PathConflict,
    PathNotFound,
    RenameDestinationExists,
    RenameDestinationParentPathNotFound,
    SourcePathNotFound,
}

/// Status, code and text of each; of all others, those of invalid input.
const WORDS: &[(Refusal, u16, &str, &str)] = &[
    (
        Refusal::AuthorizationPermissionMismatch,
        403,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    ),
    (
        Refusal::ConditionNotMet,
        412,
        "ConditionNotMet",
        "The condition specified using HTTP conditional header(s) is not met.",
    ),
    (
        Refusal::NotModified,
        304,
        "ConditionNotMet",
        "The condition specified using HTTP conditional header(s) is not met.",
    ),
    (
        Refusal::SourceConditionNotMet,
        412,
        "SourceConditionNotMet",
        "The source condition specified using HTTP conditional header(s) is not met.",
    ),
    (
        Refusal::ContentLengthMustBeZero,
        400,
        "ContentLengthMustBeZero",
        "The Content-Length request header must be zero.",
    ),
    (
        Refusal::DirectoryNotEmpty,
        409,
        "DirectoryNotEmpty",
        "The recursive query parameter value must be true to delete a non-empty directory.",
    ),
    (
        Refusal::FilesystemAlreadyExists,
        409,
        "FilesystemAlreadyExists",
        "The specified filesystem already exists.",
    ),
    (
        Refusal::FilesystemBeingDeleted,
        409,
        "FilesystemBeingDeleted",
        "The specified filesystem is being deleted.",
    ),
    (
        Refusal::FilesystemNotFound,
        404,
        "FilesystemNotFound",
        "The specified filesystem does not exist.",
    ),
    (
        Refusal::PathAlreadyExists { directory: false },
        409,
        "PathAlreadyExists",
        "The specified path already exists.",
    ),
    (
        Refusal::PathAlreadyExists { directory: true },
        409,
        "PathAlreadyExists",
        "The specified path already exists.",
    ),
    (
        Refusal::RenameDestinationExists,
        409,
        "PathAlreadyExists",
        "The specified path already exists.",
    ),
    (
        Refusal::PathConflict,
        409,
        "PathConflict",
        "The specified path, or an element of the path, exists and its resource type is invalid for this operation.",
    ),
    (
        Refusal::PathNotFound,
        404,
        "PathNotFound",
        "The specified path does not exist.",
    ),
    (
        Refusal::RenameDestinationParentPathNotFound,
        404,
        "RenameDestinationParentPathNotFound",
        "The parent directory of the destination path does not exist.",
    ),
    (
        Refusal::SourcePathNotFound,
        404,
        "SourcePathNotFound",
        "The source path for a rename operation does not exist.",
    ),
    // The service itself leaves the letter out.
    (
        Refusal::InvalidAcl,
        400,
        "InvaldAccessControlList",
        "The access control list value is invalid.",
    ),
    (
        Refusal::AclBaseMissing,
        400,
        "SetAclMissingAces",
        "Invalid ACL: the user, group and other entries are required.",
    ),
    (
        Refusal::InvalidFlushPosition,
        400,
        "InvalidFlushPosition",
        "The uploaded data is not contiguous or the position query parameter value is not equal to the length of the file after appending the uploaded data.",
    ),
    (
        Refusal::InvalidHeaderValue,
        400,
        "InvalidHeaderValue",
        "The value for one of the HTTP headers is not in the correct format.",
    ),
    (
        Refusal::InvalidPropertyName,
        400,
        "InvalidPropertyName",
        "A property name cannot be empty.",
    ),
    (
        Refusal::InvalidQueryParameterValue,
        400,
        "InvalidQueryParameterValue",
        "Value for one of the query parameters specified in the request URI is invalid.",
    ),
    (
        Refusal::InvalidRange,
        416,
        "InvalidRange",
        "The range specified is invalid for the current size of the resource.",
    ),
    (
        Refusal::InvalidRenameSourcePath,
        409,
        "InvalidRenameSourcePath",
        "The source directory cannot be the same as the destination directory, nor can the destination be a subdirectory of the source directory.",
    ),
    (
        Refusal::InvalidResourceName,
        400,
        "InvalidResourceName",
        "The specified resource name contains invalid characters.",
    ),
    (
        Refusal::Crc64Mismatch,
        400,
        "Crc64Mismatch",
        "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
    ),
    (
        Refusal::Md5Mismatch,
        400,
        "Md5Mismatch",
        "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
    ),
    (
        Refusal::MissingRequiredHeader,
        400,
        "MissingRequiredHeader",
        "An HTTP header that's mandatory for this request is not specified.",
    ),
    (
        Refusal::MissingRequiredQueryParameter,
        400,
        "MissingRequiredQueryParameter",
        "A query parameter that's mandatory for this request is not specified.",
    ),
    (
        Refusal::OutOfRangeQueryParameterValue,
        400,
        "OutOfRangeQueryParameterValue",
        "One of the query parameters specified in the request URI is outside the permissible range.",
    ),
    (
        Refusal::LeaseAlreadyPresent,
        409,
        "LeaseAlreadyPresent",
        "There is already a lease present.",
    ),
    (
        Refusal::LeaseIdMismatch,
        412,
        "LeaseIdMismatchWithBlobOperation",
        "The lease ID specified did not match the lease ID for the resource.",
    ),
    (
        Refusal::LeaseIdMismatchWithLeaseOperation,
        409,
        "LeaseIdMismatchWithLeaseOperation",
        "The lease ID specified did not match the lease ID for the resource with the specified lease operation.",
    ),
    (
        Refusal::LeaseIdMissing,
        412,
        "LeaseIdMissing",
        "There is currently a lease on the resource and no lease ID was specified in the request.",
    ),
    (
        Refusal::LeaseNotPresentOnWrite,
        412,
        "LeaseNotPresentWithBlobOperation",
        "There is currently no lease on the resource.",
    ),
    (
        Refusal::LeaseNotPresent,
        409,
        "LeaseNotPresentWithLeaseOperation",
        "There is currently no lease on the resource.",
    ),
];

impl Refusal {
    /// Status, code and text of the error.
    pub(crate) fn words(self) -> (u16, &'static str, &'static str) {
        WORDS.iter().find(|(refusal, ..)| *refusal == self).map_or(
            (
                400,
                "InvalidInput",
                "One of the request inputs is not valid.",
            ),
            |(_, status, code, text)| (*status, code, text),
        )
    }
}
