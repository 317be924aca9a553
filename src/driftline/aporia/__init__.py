"""Aporia's Python functions (SDK 2.x) over a Driftline server: change the import, keep the code."""

from driftline.aporia.connection import AporiaError as AporiaError
from driftline.aporia.connection import init as init
from driftline.aporia.connection import shutdown as shutdown
from driftline.aporia.model import Model as Model
from driftline.aporia.models import ModelColor as ModelColor
from driftline.aporia.models import ModelIcon as ModelIcon
from driftline.aporia.models import add_model_tags as add_model_tags
from driftline.aporia.models import create_model as create_model
from driftline.aporia.models import create_model_version as create_model_version
from driftline.aporia.models import delete_model as delete_model
from driftline.aporia.models import delete_model_tag as delete_model_tag
from driftline.aporia.models import get_model_tags as get_model_tags
from driftline.aporia.sources import S3DataSource as S3DataSource
from driftline.aporia.sources import S3FileFormat as S3FileFormat
