"""SageMaker Model Monitor's Python classes over a Driftline server: change the import, keep the code."""

from driftline.sagemaker import clarify as clarify
from driftline.sagemaker import model_monitor as model_monitor
from driftline.sagemaker.clarify import *  # noqa: F403
from driftline.sagemaker.model_monitor import *  # noqa: F403
from driftline.sagemaker.s3 import S3Downloader as S3Downloader
from driftline.sagemaker.s3 import S3Uploader as S3Uploader
from driftline.sagemaker.session import JobFailed as JobFailed
from driftline.sagemaker.session import Session as Session
