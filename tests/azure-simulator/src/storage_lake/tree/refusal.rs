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

impl Refusal {
    /// Status, code and text of the error.
    pub(crate) fn words(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::AuthorizationPermissionMismatch => (
                403,
                "AuthorizationPermissionMismatch",
                "This request is not authorized to perform this operation using this permission.",
            ),
            Self::ConditionNotMet => (
                412,
                "ConditionNotMet",
                "The condition specified using HTTP conditional header(s) is not met.",
            ),
            Self::NotModified => (
                304,
                "ConditionNotMet",
                "The condition specified using HTTP conditional header(s) is not met.",
            ),
            Self::SourceConditionNotMet => (
                412,
                "SourceConditionNotMet",
                "The source condition specified using HTTP conditional header(s) is not met.",
            ),
            Self::ContentLengthMustBeZero => (
                400,
                "ContentLengthMustBeZero",
                "The Content-Length request header must be zero.",
            ),
            Self::DirectoryNotEmpty => (
                409,
                "DirectoryNotEmpty",
                "The recursive query parameter value must be true to delete a non-empty directory.",
            ),
            Self::FilesystemAlreadyExists => (
                409,
                "FilesystemAlreadyExists",
                "The specified filesystem already exists.",
            ),
            Self::FilesystemBeingDeleted => (
                409,
                "FilesystemBeingDeleted",
                "The specified filesystem is being deleted.",
            ),
            Self::FilesystemNotFound => (
                404,
                "FilesystemNotFound",
                "The specified filesystem does not exist.",
            ),
            Self::PathAlreadyExists { .. } | Self::RenameDestinationExists => (
                409,
                "PathAlreadyExists",
                "The specified path already exists.",
            ),
            Self::PathConflict => (
                409,
                "PathConflict",
                "The specified path, or an element of the path, exists and its resource type is invalid for this operation.",
            ),
            Self::PathNotFound => (404, "PathNotFound", "The specified path does not exist."),
            Self::RenameDestinationParentPathNotFound => (
                404,
                "RenameDestinationParentPathNotFound",
                "The parent directory of the destination path does not exist.",
            ),
            Self::SourcePathNotFound => (
                404,
                "SourcePathNotFound",
                "The source path for a rename operation does not exist.",
            ),
            other => other.words_of_input(),
        }
    }

    fn words_of_input(self) -> (u16, &'static str, &'static str) {
        match self {
            // The service itself leaves the letter out.
            Self::InvalidAcl => (
                400,
                "InvaldAccessControlList",
                "The access control list value is invalid.",
            ),
            Self::AclBaseMissing => (
                400,
                "SetAclMissingAces",
                "Invalid ACL: the user, group and other entries are required.",
            ),
            Self::InvalidFlushPosition => (
                400,
                "InvalidFlushPosition",
                "The uploaded data is not contiguous or the position query parameter value is not equal to the length of the file after appending the uploaded data.",
            ),
            Self::InvalidHeaderValue => (
                400,
                "InvalidHeaderValue",
                "The value for one of the HTTP headers is not in the correct format.",
            ),
            Self::InvalidPropertyName => (
                400,
                "InvalidPropertyName",
                "A property name cannot be empty.",
            ),
            Self::InvalidQueryParameterValue => (
                400,
                "InvalidQueryParameterValue",
                "Value for one of the query parameters specified in the request URI is invalid.",
            ),
            Self::InvalidRange => (
                416,
                "InvalidRange",
                "The range specified is invalid for the current size of the resource.",
            ),
            Self::InvalidRenameSourcePath => (
                409,
                "InvalidRenameSourcePath",
                "The source directory cannot be the same as the destination directory, nor can the destination be a subdirectory of the source directory.",
            ),
            Self::InvalidResourceName => (
                400,
                "InvalidResourceName",
                "The specified resource name contains invalid characters.",
            ),
            Self::Crc64Mismatch => (
                400,
                "Crc64Mismatch",
                "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
            ),
            Self::Md5Mismatch => (
                400,
                "Md5Mismatch",
                "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
            ),
            Self::MissingRequiredHeader => (
                400,
                "MissingRequiredHeader",
                "An HTTP header that's mandatory for this request is not specified.",
            ),
            Self::MissingRequiredQueryParameter => (
                400,
                "MissingRequiredQueryParameter",
                "A query parameter that's mandatory for this request is not specified.",
            ),
            Self::OutOfRangeQueryParameterValue => (
                400,
                "OutOfRangeQueryParameterValue",
                "One of the query parameters specified in the request URI is outside the permissible range.",
            ),
            other => other.words_of_leases(),
        }
    }

    fn words_of_leases(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::LeaseAlreadyPresent => (
                409,
                "LeaseAlreadyPresent",
                "There is already a lease present.",
            ),
            Self::LeaseIdMismatch => (
                412,
                "LeaseIdMismatchWithBlobOperation",
                "The lease ID specified did not match the lease ID for the resource.",
            ),
            Self::LeaseIdMismatchWithLeaseOperation => (
                409,
                "LeaseIdMismatchWithLeaseOperation",
                "The lease ID specified did not match the lease ID for the resource with the specified lease operation.",
            ),
            Self::LeaseIdMissing => (
                412,
                "LeaseIdMissing",
                "There is currently a lease on the resource and no lease ID was specified in the request.",
            ),
            Self::LeaseNotPresent => (
                409,
                "LeaseNotPresentWithLeaseOperation",
                "There is currently no lease on the resource.",
            ),
            _ => (
                400,
                "InvalidInput",
                "One of the request inputs is not valid.",
            ),
        }
    }
}
